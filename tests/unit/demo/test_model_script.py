"""The answers of the demo's model: a scene goes on step by step, and a follow-up shows which context reached it."""

from __future__ import annotations

from t3tray.demo.model_script import ReceivedMessage, next_line, title
from t3tray.demo.stories import AFTER_THE_SWITCH
from t3tray.demo.table import Fate, thread_of


def test_a_scene_goes_on_with_every_step() -> None:
    asked = ReceivedMessage("user", thread_of(Fate.ASKS_FOR_LEAVE).prompt)
    first = next_line([asked])
    assert (first.tool, dict(first.arguments)["command"]) == ("bash", "git push origin main")
    assert next_line([asked, ReceivedMessage("assistant", ""), ReceivedMessage("tool", "done")]).tool == ""


def test_a_sub_agent_is_given_a_scene_of_its_own() -> None:
    task = next_line([ReceivedMessage("user", thread_of(Fate.AGENT_WORKS).prompt)])
    inner = next_line([ReceivedMessage("user", str(dict(task.arguments)["prompt"]))])
    assert inner.pace > task.pace and inner.words != task.words


def test_any_other_message_is_answered_with_what_reached_the_model() -> None:
    context = [
        ReceivedMessage("user", "Begin the parser"),
        ReceivedMessage("assistant", "Done."),
        ReceivedMessage("user", "And now?"),
    ]
    looked = [*context, ReceivedMessage("assistant", ""), ReceivedMessage("tool", "clean")]
    assert next_line(context).tool == "bash"
    assert "all **5 messages**" in next_line(looked).words and "“Begin the parser”" in next_line(looked).words


def test_after_the_switch_it_says_that_it_knows_nothing() -> None:
    assert "first message" in next_line([ReceivedMessage("user", AFTER_THE_SWITCH)]).words


def test_a_title_is_the_beginning_of_what_was_asked() -> None:
    assert title([ReceivedMessage("user", AFTER_THE_SWITCH)]) == "Great Now do the same for"
    assert title([]) == "A conversation"
