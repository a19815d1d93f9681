"""The parts of a demo conversation, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Use:
    """A tool call and its output. `child` is the conversation of the sub-agent that a task started."""

    tool: str
    title: str
    input: Mapping[str, object]
    output: str
    child: tuple[DemoTurn, ...] = ()


@dataclass(frozen=True)
class DemoStep:
    """One step of the model: text, and at most one tool call. The last step of a turn has none."""

    words: str
    use: Use | None = None


@dataclass(frozen=True)
class DemoTurn:
    """A prompt of the user, and the steps of the model."""

    asked: str
    steps: tuple[DemoStep, ...] = field(default=())

    @property
    def answer(self) -> str:
        """The text of the last step, which is all that T3 Code stores."""
        return self.steps[-1].words if self.steps else ""


def plain_turn(asked: str, answer: str) -> DemoTurn:
    """Return a turn without a tool call."""
    return DemoTurn(asked, (DemoStep(answer),))


def read(file: str, output: str, words: str = "") -> DemoStep:
    numbered = "\n".join(f"{number}: {line}" for number, line in enumerate(output.splitlines(), 1))
    return DemoStep(words, Use("read", file, {"filePath": file}, numbered))


def bash(command: str, output: str, words: str = "") -> DemoStep:
    return DemoStep(words, Use("bash", command, {"command": command, "description": command}, output))


def edit(file: str, old: str, new: str, words: str = "") -> DemoStep:
    return DemoStep(
        words, Use("edit", file, {"filePath": file, "oldString": old, "newString": new}, "Edit applied successfully.")
    )


def task(description: str, prompt: str, *child: DemoTurn, words: str = "") -> DemoStep:
    """Return the call of a sub-agent that has finished."""
    about = {"description": description, "prompt": prompt, "subagent_type": "explore"}
    return DemoStep(words, Use("task", description, about, child[-1].answer, child))
