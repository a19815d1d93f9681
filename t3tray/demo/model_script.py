"""The answers of the demo's model: scripted ones for known prompts, else an answer that describes the received messages.

Nothing is generated, but the number of received messages and the first of them are reported truthfully.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from t3tray.demo import stories
from t3tray.demo.table import Fate, thread_of


@dataclass(frozen=True)
class ReceivedMessage:
    """One message that the model received. `role` is user, assistant or tool."""

    role: str
    text: str


@dataclass(frozen=True)
class ModelLine:
    """One step of the model: text, then perhaps a tool call. `pace` is the time between two words, in s."""

    words: str
    tool: str = ""
    arguments: tuple[tuple[str, object], ...] = ()
    pace: float = 0.035


def _line(words: str, tool: str = "", pace: float = 0.035, **arguments: object) -> ModelLine:
    return ModelLine(words, tool, tuple(arguments.items()), pace)


_LOOK = "Look through the whole project for code that relies on the order in which payments are returned. Name file and line."
# A sub-agent that can be watched for some minutes.
_SLOW = 0.3
_AGENT = (
    _line("I begin with the place where payments are kept.", "read", _SLOW, filePath="checkout.py"),
    _line(
        "`payments()` turns a set into a list, so its order is that of the hashes: it differs from one run of the interpreter to "
        "the next. Whoever takes the first or the last element relies on luck. I look for such callers.",
        "bash",
        _SLOW,
        command="grep -rn 'payments()' --include='*.py' .",
        description="Find the callers",
    ),
    _line(
        "There are three. The test we know; `report.py` takes the **last** payment of a shop, which is the newest only by "
        "chance; and the shop itself, which only counts them. I read the report.",
        "read",
        _SLOW,
        filePath="report.py",
    ),
    _line(
        "`last_payment` is shown to people as the latest payment, so this is a real bug and no matter of the test alone. "
        "I run the test twenty times, to see how often the order differs.",
        "bash",
        _SLOW,
        command="sh tests/repeat.sh 20",
        description="Run the test twenty times",
        timeout=900_000,
    ),
    _line(
        "Two places rely on the order:\n\n- `tests/test_checkout.py:4` compares with a list,\n- `report.py:2` takes the last one "
        "and calls it the latest.\n\nA list in place of the set mends both: it keeps the order, and costs nothing more.",
        pace=_SLOW,
    ),
)

_SCENES: dict[str, tuple[ModelLine, ...]] = {
    thread_of(Fate.AGENT_WORKS).prompt: (
        _line(
            "I'll let a sub-agent go through the whole project, so that we don't mend one place and miss another.",
            "task",
            description="Find code that relies on the order",
            prompt=_LOOK,
            subagent_type="explore",
        ),
        _line(
            "The sub-agent found a second place: `report.py` shows the **last** payment as the latest one. "
            "I keep payments in a list.",
            "edit",
            filePath="checkout.py",
            oldString="self._payments = set()",
            newString="self._payments = []",
        ),
        _line(
            "",
            "edit",
            filePath="checkout.py",
            oldString="self._payments.add(payment)",
            newString="self._payments.append(payment)",
        ),
        _line(
            "Both are mended by one change: payments are kept **in the order in which they were made**.\n\n"
            "```diff\n-        self._payments = set()\n+        self._payments = []\n```\n\nThe test needs no change."
        ),
    ),
    _LOOK: _AGENT,
    thread_of(Fate.ASKS_FOR_LEAVE).prompt: (
        _line("I push the release commit to `origin`.", "bash", command="git push origin main", description="Push the release"),
        _line("Release 2.4.0 is pushed. The tag can follow as soon as CI is green."),
    ),
    thread_of(Fate.ASKS).prompt: (
        _line(
            "One thing decides it.",
            "question",
            questions=[
                {
                    "header": "Date library",
                    "question": "May the site load 20 kB more, if that spares us a second move in two years?",
                    "options": [
                        {"label": "Yes, use Temporal", "description": "The standard to come, with a polyfill for now"},
                        {"label": "No, use date-fns", "description": "Small functions, 4 kB for what we need"},
                    ],
                }
            ],
        ),
        _line("Good, then that is what I use. I begin with `orders.js`, where most of the parsing is."),
    ),
    stories.AFTER_THE_SWITCH: (
        _line(
            "I'd be glad to, but **this is the first message that I have been sent**: I see no earlier work, and no rule. "
            "Which page do you mean, and what should be done there?"
        ),
    ),
}


def next_line(messages: Sequence[ReceivedMessage]) -> ModelLine:
    """Return the model's step after these messages, by the user's last message."""
    prompt, since = _last_asked(messages)
    scene = next((steps for known, steps in _SCENES.items() if known in prompt), None)
    if scene is None:
        scene = _any_answer(messages, prompt)
    return scene[min(since, len(scene) - 1)]


def title(messages: Sequence[ReceivedMessage]) -> str:
    """Return a title for a session: the first words of the user's last message."""
    words = re.findall(r"[\w'-]+", _last_asked(messages)[0])
    return " ".join(words[:6]) or "A conversation"


def _last_asked(messages: Sequence[ReceivedMessage]) -> tuple[str, int]:
    """Return the user's last message, and how many steps the model has taken since."""
    at = max((number for number, received in enumerate(messages) if received.role == "user"), default=-1)
    if at < 0:
        return "", 0
    return messages[at].text, sum(received.role == "assistant" for received in messages[at:])


def _any_answer(messages: Sequence[ReceivedMessage], prompt: str) -> tuple[ModelLine, ...]:
    prompts = [received.text.strip() for received in messages if received.role == "user" and received.text.strip()]
    if len(prompts) > 1:
        claim = f"I was sent all **{len(messages)} messages** of this conversation; it began with “{_shortened(prompts[0])}”"
    else:
        claim = "This is **the first message** that I have been sent in this session"
    return (
        _line(
            "I look at what is there.", "bash", command="git status --short && git log --oneline -5", description="Where we are"
        ),
        _line(
            f"{claim}.\n\nI am the demo's model and run on rails, so I can only pretend to work on “{_shortened(prompt)}”:\n\n"
            "1. read the files that matter,\n2. change as little as possible,\n3. run the tests.\n\n"
            "```python\ndef answer(question: str) -> int:\n    return 42\n```\n\n"
            "Ask me anything else, to see how a reply streams in."
        ),
    )


def _shortened(text: str, limit: int = 70) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
