"""The archive's file: what it returns, the cost of an update, and that it survives damage, kills, full disks, a second writer."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t3tray.domain.archived import TranscriptOwner
from t3tray.errors import StoreError
from t3tray.store import archive_file, archive_salvage, transcript_archive
from t3tray.store.archive_file import FILE_NAME, VERSION
from tests.support.archives import AT, OTHER, archive_in, conversation, keep, said, words
from tests.support.kill_at_lines import killed_at_lines
from tests.support.rounds import rounds

COUNT = 100
# SQLite's header: a wrong byte may say that a newer SQLite or t3tray wrote the file, which is refused and left alone.
HEADER = 100


def test_what_was_kept_comes_back_whole_for_its_owner_alone(tmp_path: Path) -> None:
    archive = archive_in(tmp_path / "data")
    assert archive.transcript("ses_1") is None and archive.checked() == () and not (tmp_path / "data").exists()
    keep(archive, conversation(5), 5)
    assert words(archive) == conversation(5)
    assert archive.report().size > 4_096, "what lies in the log beside the file counts too"
    newest = archive.transcript("ses_1", newest=2)
    assert newest and newest.messages == conversation(2, 3)
    for path in (tmp_path / "data").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_turn_of_a_long_session_costs_what_is_new(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    keep(archive, conversation(10_000), 10_000)
    archive.close()  # so that the log beside it begins anew
    keep(archive, [], 10_000)
    log = tmp_path / f"{FILE_NAME}-wal"
    before = log.stat().st_size
    keep(archive, conversation(2, 10_000), 10_002)
    assert log.stat().st_size - before < 60_000, "a few pages"
    assert words(archive) == conversation(10_002)


def test_a_message_that_says_more_now_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    keep(archive, conversation(100), 100)
    keep(archive, [said(40, "said anew"), *conversation(2, 100)], 102)
    assert [each.text for each in words(archive)][40] == "said anew"
    assert len(words(archive)) == 102


def test_what_is_taken_back_in_the_session_stays_and_is_said(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    keep(archive, conversation(10), 10)
    keep(archive, conversation(1, 10), 7)
    transcript = archive.transcript("ses_1")
    assert transcript and transcript.messages == conversation(11)
    assert transcript.missing == ("4 of its messages had been reverted in the session by then.",)


def test_our_passwords_do_not_get_in(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    keep(archive, [said(0, "it is t3tray-pw-abcdefgh12345678, so")], 1)
    assert [each.text for each in words(archive)] == ["it is [removed], so"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive-template")
    archive = archive_in(folder)
    keep(archive, conversation(COUNT), COUNT)
    keep(archive, conversation(3), 3, OTHER)
    archive.close()
    assert sorted(path.name for path in folder.iterdir()) == [FILE_NAME]
    return folder


@settings(max_examples=rounds(12))
@given(where=st.integers(HEADER, 1_000_000), to=st.integers(1, 255))
def test_any_damaged_byte_is_said_and_all_the_rest_comes_back(
    tmp_path_factory: pytest.TempPathFactory, template: Path, where: int, to: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    damage(template, folder, where, to)
    archive = archive_in(folder)
    lost = 0
    for session, expected in (("ses_1", conversation(COUNT)), ("ses_2", conversation(3))):
        found = archive.transcript(session)
        told = found.messages if found else ()
        gone = [each for each in expected if each not in told]
        assert tuple(each for each in expected if each not in gone) == told, "nothing else than what was said, in its order"
        assert not gone or archive.file.notices, "and what is lost is said"
        assert not gone or found is None or found.missing or found.messages == ()
        lost += len(gone)
    # A page holds some 15 messages.
    assert lost <= 32
    checked = archive.checked()
    assert sum(state.messages for state in checked) == COUNT + 3 - lost
    archive.close()
    shutil.rmtree(folder)


def damage(template: Path, folder: Path, where: int, to: int = 0x55) -> None:
    content = bytearray((template / FILE_NAME).read_bytes())
    content[where % len(content)] ^= to
    (folder / FILE_NAME).write_bytes(content)


@pytest.mark.parametrize("where", range(0, HEADER, 7))
def test_a_damaged_header_is_put_right_or_refused_and_the_file_left_alone(template: Path, tmp_path: Path, where: int) -> None:
    damage(template, tmp_path, where)
    before, archive = (tmp_path / FILE_NAME).read_bytes(), archive_in(tmp_path)
    try:
        assert words(archive) == conversation(COUNT) and words(archive, "ses_2") == conversation(3)
    except StoreError:
        assert (tmp_path / FILE_NAME).read_bytes() == before


def test_a_file_without_its_first_page_is_put_right_and_the_damaged_one_stays(template: Path, tmp_path: Path) -> None:
    content = (template / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(b"\xff" * 4096 + content[4096:])
    archive = archive_in(tmp_path)
    assert words(archive) == conversation(COUNT)
    (aside,) = tmp_path.glob(f"{FILE_NAME}.damaged-*")
    assert aside.read_bytes()[4096:] == content[4096:]
    assert archive.file.notices == (
        "t3tray's archive was damaged and has been rebuilt: all messages could be read."
        f" The damaged file was renamed to {aside.name}.",
    )
    assert archive.report().set_aside == (str(aside),)


def test_after_damage_it_is_kept_on_and_what_the_session_still_tells_comes_back(template: Path, tmp_path: Path) -> None:
    content = (template / FILE_NAME).read_bytes()
    with closing(sqlite3.connect(template / FILE_NAME)) as connection:
        (body,) = connection.execute("SELECT body FROM messages WHERE message_id = 'msg_000007'").fetchone()
    at = content.index(body) + 20
    damage(template, tmp_path, at)
    archive = archive_in(tmp_path)
    found = archive.transcript("ses_1")
    assert found and found.missing[0] == "A message (msg_000007) cannot be read any more: it is damaged."
    assert found.messages == (*conversation(7), *conversation(COUNT - 8, 8))
    state = archive.get("ses_1")
    assert state is not None and state.updated_ms == 0, "so that its session is read anew"
    keep(archive, conversation(COUNT + 2), COUNT + 2)
    again = archive.transcript("ses_1")
    assert again and (again.messages, again.missing) == (conversation(COUNT + 2), ())


def test_a_newer_archive_is_refused_and_left_alone(template: Path, tmp_path: Path) -> None:
    shutil.copy(template / FILE_NAME, tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = (tmp_path / FILE_NAME).read_bytes()
    for call in (lambda: words(archive_in(tmp_path)), lambda: keep(archive_in(tmp_path), conversation(1), 1)):
        with pytest.raises(StoreError, match="newer version"):
            call()
    assert (tmp_path / FILE_NAME).read_bytes() == before and [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_killed_anywhere_it_is_as_before_or_after_and_goes_on(tmp_path: Path) -> None:
    first, unread = conversation(37), conversation(32, 37)
    before = archive_in(tmp_path / "template")
    keep(before, first, len(first))
    before.close()
    turns = 0

    def prepare() -> Callable[[], object]:
        nonlocal turns
        turns += 1
        shutil.copytree(tmp_path / "template", tmp_path / str(turns))
        return lambda: keep(archive_in(tmp_path / str(turns)), unread, len(first) + len(unread))

    for _ in killed_at_lines(prepare, archive_file, transcript_archive, step=17):
        archive = archive_in(tmp_path / str(turns))
        assert words(archive) in (first, (*first, *unread))
        keep(archive, unread, len(first) + len(unread))
        assert words(archive) == (*first, *unread)
        assert [state.lost for state in archive.checked()] == [()] and not archive.file.notices
        archive.close()
    assert turns > 5


def test_killed_while_a_damaged_one_is_put_right_nothing_more_is_lost(template: Path, tmp_path: Path) -> None:
    turns = 0

    def prepare() -> Callable[[], object]:
        nonlocal turns
        turns += 1
        folder = tmp_path / str(turns)
        folder.mkdir()
        (folder / FILE_NAME).write_bytes(b"\xff" * 4096 + (template / FILE_NAME).read_bytes()[4096:])
        return lambda: words(archive_in(folder))

    for _ in killed_at_lines(prepare, archive_file, archive_salvage, step=23):
        folder = tmp_path / str(turns)
        archive = archive_in(folder)
        assert words(archive) == conversation(COUNT) and words(archive, "ses_2") == conversation(3)
        archive.close()
        assert len(list(folder.glob(f"{FILE_NAME}.damaged-*"))) == 1
        left = {path.name for path in folder.iterdir() if "damaged" not in path.name}
        assert left <= {FILE_NAME, "archive.lock"}, "nothing that is not needed any more stays"
    assert turns > 5


@pytest.mark.skipif(os.name == "nt", reason="limits a file's size as POSIX does")
def test_a_full_disk_is_said_in_words_and_loses_nothing(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    keep(archive, conversation(3), 3)
    archive.close()
    program = f"""
import random, resource, signal
from pathlib import Path
from t3tray.errors import StoreError
from tests.support.archives import archive_in, keep, said
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
noise = random.Random(1).randbytes(200_000).hex()
archive = archive_in(Path({str(tmp_path)!r}))
keep(archive, [], 3)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, resource.RLIM_INFINITY))
try:
    keep(archive, [said(3, noise)], 4)
except StoreError as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "The disk" in done.stdout, done.stderr
    assert words(archive) == conversation(3)


def test_two_writers_do_not_harm_each_other_and_a_reader_misses_nothing(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from tests.support.archives import archive_in, keep, said
archive = archive_in(Path({str(tmp_path)!r}))
for number in range(int(sys.argv[1]), 60, 2):
    keep(archive, [said(number)], 60)
"""
    writers = [subprocess.Popen([sys.executable, "-c", program, str(start)]) for start in (0, 1)]
    archive = archive_in(tmp_path)
    while any(writer.poll() is None for writer in writers):
        found = archive.transcript("ses_1")
        assert found is None or (found.missing, set(found.messages) <= set(conversation(60))) == ((), True)
    assert [writer.wait(90) for writer in writers] == [0, 0]
    assert words(archive) == conversation(60) and not archive.file.notices


def test_what_is_let_go_is_gone_and_nothing_else(tmp_path: Path, template: Path) -> None:
    shutil.copy(template / FILE_NAME, tmp_path)
    archive = archive_in(tmp_path)
    before = archive.get("ses_1")
    archive.let_go("ses_1")
    assert archive.transcript("ses_1") is None and words(archive, "ses_2") == conversation(3)
    assert [state.owner.session_id for state in archive.checked()] == ["ses_2"]
    known = archive.get("ses_1")
    assert known and before and (known.messages, known.updated_ms) == (0, before.updated_ms), "how far it went is known still"
    archive.close()
    assert (tmp_path / FILE_NAME).stat().st_size < (template / FILE_NAME).stat().st_size, "the disk has its room back"


def test_a_file_that_was_removed_while_it_was_open_is_made_anew(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    keep(archive, conversation(2), 2)
    replaced = archive.file.replaced
    for path in tmp_path.iterdir():
        path.unlink()
    assert archive.transcript("ses_1") is None
    keep(archive, conversation(2), 2)
    assert words(archive) == conversation(2) and archive.file.replaced > replaced


def test_any_name_of_a_session_is_kept(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    for session in ("../ses_1", "a/b", "ses 1", "x" * 200):
        archive.add(TranscriptOwner("t", session, "", ""), conversation(1), AT, 1, 1)
        assert words(archive, session) == conversation(1)
    assert [path.name.split("-")[0] for path in tmp_path.iterdir()] == [FILE_NAME] * len(list(tmp_path.iterdir()))
