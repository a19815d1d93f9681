"""Which messages reach the model: OpenCode's own rule, written independently and compared with ours on random sessions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.domain.carries import Context
from t3tray.domain.context import ContextReader
from t3tray.domain.evidence import MessageFacts, Role

AT = 1_000


def user(name: str) -> MessageFacts:
    return MessageFacts(name, Role.USER, AT, True)


def answer(name: str, to: str = "") -> MessageFacts:
    return MessageFacts(name, Role.ASSISTANT, AT, True, parent_id=to, has_finish=True)


def asks(name: str, keeps_from: str | None = None) -> MessageFacts:
    return MessageFacts(name, Role.USER, AT, True, compaction=True, keeps_from=keeps_from)


def summary(name: str, of: str, failed: bool = False, ended: bool = True) -> MessageFacts:
    return MessageFacts(name, Role.ASSISTANT, AT, ended, True, of, True, ended and not failed, failed)


TALK = (user("1"), answer("2"), user("3"), answer("4"))
DONE = (*TALK, asks("5"), summary("6", "5"))


def read(messages: tuple[MessageFacts, ...], taken_back: str | None = None) -> Context:
    reader = ContextReader(taken_back)
    for message in reversed(messages):
        reader.add(message)
    return reader.context(len(messages) - reader.seen)


@pytest.mark.parametrize(
    ("messages", "context"),
    [
        ((), Context(0)),
        (TALK, Context(4)),
        (DONE, Context(0, 4, AT)),
        ((*DONE, user("7"), answer("8")), Context(2, 4, AT)),
        ((*DONE, user("7"), answer("8"), asks("9"), summary("a", "9")), Context(0, 8, AT)),
        ((*TALK, asks("5", "3"), summary("6", "5"), user("7")), Context(3, 2, AT)),
        ((*TALK, asks("5"), summary("6", "5", failed=True)), Context(4, is_pending=True, is_settled=False)),
        ((*TALK, asks("5"), summary("6", "5", ended=False)), Context(4, is_pending=True, is_settled=False)),
        ((*TALK, asks("5")), Context(4, is_pending=True, is_settled=False)),
        # OpenCode tried it again with the next message: what it wrote then is no boundary (1.18.33).
        ((*TALK, asks("5"), summary("6", "5", failed=True), user("7"), summary("8", "7")), Context(5, is_settled=False)),
        # One that was to keep a tail leaves out what was before that, though it failed (1.18.33).
        ((*TALK, asks("5", "3"), summary("6", "5", failed=True), user("7"), summary("8", "7")), Context(3, 2, is_settled=False)),
        ((*DONE, user("7"), answer("8"), asks("9"), summary("a", "9", failed=True)), Context(2, 4, AT, True, False)),
    ],
)
def test_what_reaches_the_model(messages: tuple[MessageFacts, ...], context: Context) -> None:
    assert read(messages) == context


def broken(name: str) -> MessageFacts:
    return MessageFacts(name, Role.ASSISTANT, AT, True, failed=True, is_unsent=True)


def test_a_failed_answer_that_had_said_something_does_not_reach_the_model() -> None:
    assert read((*TALK, user("5"), broken("6"))) == Context(5, unsent=1)
    assert not Context(5, unsent=1).is_all
    assert read((*TALK, user("5"), broken("6"), asks("7"), summary("8", "7"))) == Context(0, 6, AT), "it is not in what is given"


def test_what_a_revert_takes_back_does_not_count_be_it_the_compaction_itself() -> None:
    later = (*DONE, user("7"), answer("8"))
    assert read(later, "7") == Context(0, 4, AT)
    assert read(later, "5") == Context(4)
    assert read(later, "3") == Context(2)


def theirs(newest_first: list[MessageFacts]) -> list[MessageFacts]:
    """OpenCode's `filterCompacted`, translated line by line."""
    result: list[MessageFacts] = []
    completed: set[str | None] = set()
    retain: str | None = None
    for message in newest_first:
        result.append(message)
        if retain:
            if message.id == retain:
                break
            continue
        if message.role is Role.USER and message.id in completed:
            if not message.compaction:
                continue
            if not message.keeps_from:
                break
            retain = message.keeps_from
            if message.id == retain:
                break
            continue
        if message.role is Role.ASSISTANT and message.is_summary and message.has_finish and not message.failed:
            completed.add(message.parent_id)
    result.reverse()
    at = max((n for n, m in enumerate(result) if m.role is Role.USER and m.compaction and m.keeps_from is not None), default=-1)
    ask = result[at] if at >= 0 else None
    made = next((n for n, m in enumerate(result) if ask and n > at and m.is_summary and m.parent_id == ask.id), -1)
    tail = next((n for n, m in enumerate(result) if ask and m.id == ask.keeps_from), -1)
    if 0 <= tail < at < made:
        return [*result[at : made + 1], *result[tail:at], *result[made + 1 :]]
    return result


@st.composite
def sessions(draw: st.DrawFn) -> tuple[MessageFacts, ...]:
    made: list[MessageFacts] = []
    for number in range(draw(st.integers(0, 14))):
        name, kind = f"{number:02}", draw(st.integers(0, 5))
        before = [message.id for message in made]
        users = [message.id for message in made if message.role is Role.USER]
        if kind == 0:
            made.append(asks(name, draw(st.none() | st.sampled_from(before)) if before else None))
        elif kind == 1 and users:
            made.append(summary(name, draw(st.sampled_from(users)), draw(st.booleans()), draw(st.booleans())))
        else:
            made.append(user(name) if kind < 4 else answer(name))
    return tuple(made)


@given(sessions())
def test_it_is_opencodes_own_rule(messages: tuple[MessageFacts, ...]) -> None:
    given_now = theirs(list(reversed(messages)))
    context = read(messages)
    assert context.messages == sum(not message.compaction for message in given_now)
    assert context.before == len(messages) - len(given_now)


@given(sessions(), st.integers(0, 14))
def test_what_was_read_before_and_what_came_since_make_the_same(messages: tuple[MessageFacts, ...], known: int) -> None:
    """Read on from a cursor, as `read_back` does."""
    from t3tray.threads.context_reading import continued

    older, newer = messages[:known], messages[known:]
    reader = ContextReader()
    for message in reversed(newer):
        reader.add(message)
    if (context := continued(read(older), reader, len(newer))) is not None:
        assert context == read(messages)
