"""Links: exactly two forms are accepted, and every other text is none, however near it is."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.domain.link import ThreadLink, is_like_link, link_to, parse_link

UUID = "0f8b9a52-3c1e-4a77-9d56-7d1f0c2b9e10"
ALLOWED = string.ascii_letters + string.digits + "._:-"
IDS = st.builds("".join, st.tuples(st.sampled_from(string.ascii_letters + string.digits), st.text(ALLOWED, max_size=127)))
LINKS = st.builds(ThreadLink, IDS, st.booleans())


def test_the_two_forms() -> None:
    assert parse_link(f"t3tray://thread/{UUID}") == ThreadLink(UUID)
    assert parse_link(f"t3tray://resume/{UUID}") == ThreadLink(UUID, is_to_resume=True)
    assert parse_link("t3tray://thread/import:codex:01a") == ThreadLink("import:codex:01a"), "T3 Code has such ids too"
    assert link_to(UUID) == f"t3tray://thread/{UUID}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        UUID,
        "t3tray:",
        "t3tray://",
        "t3tray://thread",
        "t3tray://thread/",
        f"t3tray:thread/{UUID}",
        f"t3tray:/thread/{UUID}",
        f"t3tray:///thread/{UUID}",
        f"T3tray://thread/{UUID}",
        f"t3tray://Thread/{UUID}",
        f"t3code://thread/{UUID}",
        f"http://thread/{UUID}",
        f"t3tray://remedy/{UUID}",
        f"t3tray://threads/{UUID}",
        f"t3tray://user@thread/{UUID}",
        f"t3tray://user:word@thread/{UUID}",
        f"t3tray://thread:80/{UUID}",
        f"t3tray://thread:/{UUID}",
        f"t3tray://thread./{UUID}",
        f"t3tray://thread/{UUID}/",
        f"t3tray://thread//{UUID}",
        f"t3tray://thread/x/{UUID}",
        f"t3tray://thread/./{UUID}",
        "t3tray://thread/..",
        "t3tray://thread/.a",
        "t3tray://thread/-a",
        f"t3tray://thread/{UUID}?",
        f"t3tray://thread/{UUID}?yes=1",
        f"t3tray://thread/{UUID}#x",
        f"t3tray://thread/{UUID};x",
        f"t3tray://thread/%30{UUID[1:]}",
        f"t3tray://thread/{UUID}%00",
        f"t3tray://thread/{UUID}%0a",
        f"t3tray://thread/{UUID}\n",
        f"\nt3tray://thread/{UUID}",
        f" t3tray://thread/{UUID}",
        f"t3tray://thread/{UUID} ",
        f"t3tray://thread/{UUID}\0",
        f"t3tray://thread/{UUID}\nt3tray://thread/{UUID}",
        f"t3tray://thread\\{UUID}",
        f"t3tray://thread/{UUID}\N{RIGHT-TO-LEFT OVERRIDE}",
        f"t3tray://thread/\N{ZERO WIDTH SPACE}{UUID}",
        f"t3tray://thread/\N{FULLWIDTH DIGIT ZERO}{UUID[1:]}",
        f"t3tray://thread/\N{ARABIC-INDIC DIGIT ZERO}{UUID[1:]}",
        f"t3tray://thread/\N{CYRILLIC SMALL LETTER A}{UUID[1:]}",
        f"t3tray://thread/\N{LATIN SMALL LETTER LONG S}{UUID[1:]}",
        "t3tray://thread/" + "a" * 129,
        "t3tray://thread/a; rm -rf ~",
        "t3tray://thread/--data-dir",
        "t3tray://thread/<img src=x>",
    ],
)
def test_everything_else_is_none(text: str) -> None:
    assert parse_link(text) is None


@given(LINKS)
def test_a_link_is_read_back_as_it_was_written(link: ThreadLink) -> None:
    assert parse_link(str(link)) == link and is_like_link(str(link))
    assert link_to(link.thread_id) == str(ThreadLink(link.thread_id))


@given(st.one_of(st.text(), st.text(ALLOWED + "/%?#@\\ \0\n"), st.binary().map(lambda raw: raw.decode(errors="surrogateescape"))))
def test_whatever_follows_is_an_id_or_no_link(text: str) -> None:
    for host in ("thread", "resume"):
        link = parse_link(f"t3tray://{host}/{text}")
        is_id = 0 < len(text) <= 128 and set(text) <= set(ALLOWED) and text[0] not in "._:-"
        assert link == (ThreadLink(text, host == "resume") if is_id else None)
    assert (link_to(text) != "") is is_id


@given(LINKS, st.data())
def test_one_foreign_character_anywhere_makes_it_none(link: ThreadLink, data: st.DataObject) -> None:
    text = str(link)
    foreign = data.draw(st.characters().filter(lambda char: char not in ALLOWED))
    place = data.draw(st.integers(0, len(text)))
    assert parse_link(text[:place] + foreign + text[place:]) is None


@given(st.text())
def test_any_text_is_a_link_only_if_it_is_written_like_one(text: str) -> None:
    link = parse_link(text)
    assert link is None or str(link) == text


@pytest.mark.parametrize("text", [f"t3tray://thread/{UUID}", "t3tray:", "T3TRAY:x", "t3Tray://\N{RIGHT-TO-LEFT OVERRIDE}"])
def test_what_the_desktop_gives_as_a_link(text: str) -> None:
    assert is_like_link(text)


@pytest.mark.parametrize("text", ["", "t3tray", "threads", "--t3tray:", "t3code://app"])
def test_what_is_no_attempt_at_one(text: str) -> None:
    assert not is_like_link(text)
