"""What a conversation of the demo is made of. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Use:
    """A tool that the model used, and what came of it. `child`: the conversation of the sub-agent that a task started."""

    tool: str
    title: str
    input: Mapping[str, object]
    output: str
    child: tuple[DemoTurn, ...] = ()


@dataclass(frozen=True)
class DemoStep:
    """One answer of the model: words, and at most one tool. The last step of a turn has none."""

    words: str
    use: Use | None = None


@dataclass(frozen=True)
class DemoTurn:
    """What the user asked, and the steps that the model took."""

    asked: str
    steps: tuple[DemoStep, ...] = field(default=())

    @property
    def answer(self) -> str:
        """The words at the end, which are all that T3 Code keeps."""
        return self.steps[-1].words if self.steps else ""


def told(asked: str, answer: str) -> DemoTurn:
    """A turn without any tool."""
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
    """A sub-agent that has done its work."""
    about = {"description": description, "prompt": prompt, "subagent_type": "explore"}
    return DemoStep(words, Use("task", description, about, child[-1].answer, child))
