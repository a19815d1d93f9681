"""The vault's files: what was kept comes back, costs what is new, and survives damage, kills, full disks and a second writer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.domain.archived import About
from t3tray.domain.evidence import Role
from t3tray.domain.transcript import Message, Piece, PieceKind, ToolCall
from t3tray.errors import StoreError
from t3tray.store import vault as vault_module
from t3tray.store.vault import FULL, Vault
from tests.support.killing import killed_at_lines

ABOUT = About("thread-1", "ses_1", "A thread", "/work")
AT = "2026-11-24T12:00:00.000+00:00"


def said(number: int, words: str = "") -> Message:
    role = Role.ASSISTANT if number % 2 else Role.USER
    text = words or f"words of message {number}"
    tool = ToolCall("bash", "completed", "list", '{"command":"ls"}', "a\nb")
    pieces = (Piece(f"prt_{number}", PieceKind.TEXT, text), Piece(f"prt_{number}t", PieceKind.TOOL, tool=tool))
    return Message(f"msg_{number:06}", role, 1_000 + number, text, (tool,), ("a.png",), model="m", pieces=pieces)


def conversation(count: int, first: int = 0) -> tuple[Message, ...]:
    return tuple(said(number) for number in range(first, first + count))


def keep(vault: Vault, news: Sequence[Message], total: int, about: About = ABOUT) -> None:
    vault.keep(about, news, AT, 1_000 + total, total)


def words(vault: Vault, session: str = "ses_1") -> tuple[Message, ...]:
    transcript = vault.transcript(session)
    assert transcript is not None
    return transcript.utterances


def files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def test_what_was_kept_comes_back_whole_for_its_owner_alone(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    assert vault.transcript("ses_1") is None and vault.holdings() == ()
    keep(vault, conversation(5), 5)
    assert words(vault) == conversation(5)
    for path in (tmp_path / "vault").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_turn_of_a_long_session_costs_what_is_new(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    keep(vault, conversation(10_000), 10_000)
    before = files(tmp_path / "vault")
    keep(vault, conversation(2, 10_000), 10_002)
    assert words(vault) == conversation(10_002)
    written = [path for path, inode in files(tmp_path / "vault").items() if before.get(path) != inode]
    assert len(written) == 2, "the last chunk, and the state"
    assert sum((tmp_path / "vault" / path).stat().st_size for path in written if not path.endswith("state")) < 10_000
    assert len(files(tmp_path / "vault")) <= 10_002 / FULL + 4, "nothing that is not needed any more stays"


def test_a_message_that_says_more_now_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    keep(vault, conversation(100), 100)
    keep(vault, [said(40, "said anew"), *conversation(2, 100)], 102)
    assert [each.text for each in words(vault)][40] == "said anew"
    assert len(words(vault)) == 102


def test_what_is_taken_back_in_the_session_stays_and_is_said(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    keep(vault, conversation(10), 10)
    keep(vault, conversation(1, 10), 7)
    transcript = vault.transcript("ses_1")
    assert transcript and transcript.utterances == conversation(11)
    assert transcript.missing == ("4 of its messages had been taken back in the session by then.",)


@pytest.mark.parametrize("session", ["../ses_1", "", "a/b", "..", "ses 1", "x" * 200])
def test_a_name_that_is_no_sessions_never_becomes_a_path(tmp_path: Path, session: str) -> None:
    vault = Vault(tmp_path / "vault")
    with pytest.raises(StoreError, match="cannot be the name"):
        keep(vault, conversation(1), 1, About("t", session, "", ""))
    assert vault.transcript(session) is None
    assert not (tmp_path / "vault").exists() or files(tmp_path) == {}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vault-template") / "vault"
    keep(Vault(folder), conversation(3 * FULL + 5), 3 * FULL + 5)
    keep(Vault(folder), conversation(3), 3, About("thread-2", "ses_2", "Another", "/work"))
    return folder


@given(which=st.integers(0, 10_000), where=st.integers(0, 100_000), to=st.integers(1, 255))
def test_any_damaged_byte_is_named_and_all_the_rest_comes_back(
    tmp_path_factory: pytest.TempPathFactory, template: Path, which: int, where: int, to: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged") / "vault"
    shutil.copytree(template, folder)
    every = sorted(path for path in folder.rglob("*") if path.is_file() and "lock" not in path.name)
    path = every[which % len(every)]
    content = bytearray(path.read_bytes())
    content[where % len(content)] ^= to
    path.write_bytes(bytes(content))
    vault = Vault(folder)
    whole = {"ses_1": conversation(3 * FULL + 5), "ses_2": conversation(3)}
    for session, expected in whole.items():
        transcript = vault.transcript(session)
        assert transcript is not None
        lost = [each for each in expected if each not in transcript.utterances]
        assert tuple(each for each in expected if each not in lost) == transcript.utterances
        if path.parent.name != session:
            assert (lost, transcript.missing) == ([], ())
        elif path.name == "state":
            assert not lost and "damaged" in transcript.missing[0]
        else:
            assert len(lost) <= FULL and lost[0].id in transcript.missing[0] and lost[-1].id in transcript.missing[0]
    damage = [each for holding in vault.holdings() for each in holding.damage]
    assert len(damage) == 1
    shutil.rmtree(folder.parent)


def test_after_damage_it_is_kept_on(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    keep(vault, conversation(2 * FULL), 2 * FULL)
    kept = vault.kept("ses_1")
    assert kept
    (tmp_path / "vault" / "ses_1" / kept.chunks[1].hash).write_bytes(b"nothing")
    (tmp_path / "vault" / "ses_1" / "state").write_bytes(b"nothing")
    keep(vault, conversation(3, 2 * FULL), 2 * FULL + 3)
    assert words(vault) == (*conversation(FULL), *conversation(3, 2 * FULL))
    keep(vault, conversation(FULL, FULL), 2 * FULL + 3)
    assert words(vault) == conversation(2 * FULL + 3)


def test_killed_anywhere_it_is_as_before_or_after_and_goes_on(tmp_path: Path) -> None:
    first, news = conversation(FULL + 5), conversation(FULL, FULL + 5)
    keep(Vault(tmp_path / "template"), first, len(first))
    turns = 0

    def prepare() -> Callable[[], object]:
        nonlocal turns
        turns += 1
        shutil.copytree(tmp_path / "template", tmp_path / str(turns))
        return lambda: keep(Vault(tmp_path / str(turns)), news, len(first) + len(news))

    for _ in killed_at_lines(prepare, vault_module):
        vault = Vault(tmp_path / str(turns))
        assert words(vault) in (first, (*first, *news))
        keep(vault, news, len(first) + len(news))
        assert words(vault) == (*first, *news)
        assert [holding.damage for holding in vault.holdings()] == [()]
    assert turns > 5


@pytest.mark.skipif(os.name == "nt", reason="limits a file's size as POSIX does")
def test_a_full_disk_is_said_in_words_and_loses_nothing(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    keep(vault, conversation(3), 3)
    program = f"""
import random, resource, signal
from pathlib import Path
from t3tray.errors import StoreError
from tests.faults.test_vault_file import keep, said
from t3tray.store.vault import Vault
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
noise = random.Random(1).randbytes(200_000).hex()
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
try:
    keep(Vault(Path({str(tmp_path / "vault")!r})), [said(3, noise)], 4)
except StoreError as error:
    print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "cannot be used" in done.stdout, done.stderr
    assert words(vault) == conversation(3)
    assert not list((tmp_path / "vault").rglob("*.part"))


def test_two_writers_do_not_harm_each_other(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from tests.faults.test_vault_file import keep, said
from t3tray.store.vault import Vault
vault = Vault(Path({str(tmp_path / "vault")!r}))
for number in range(int(sys.argv[1]), 60, 2):
    keep(vault, [said(number)], 60)
"""
    writers = [subprocess.Popen([sys.executable, "-c", program, str(start)]) for start in (0, 1)]
    assert [writer.wait(90) for writer in writers] == [0, 0]
    assert words(Vault(tmp_path / "vault")) == conversation(60)


def test_what_is_let_go_is_gone_and_nothing_else(tmp_path: Path, template: Path) -> None:
    shutil.copytree(template, tmp_path / "vault")
    vault = Vault(tmp_path / "vault")
    kept = vault.kept("ses_1")
    assert kept is not None
    vault.let_go(kept)
    assert vault.transcript("ses_1") is None and [path.name for path in (tmp_path / "vault" / "ses_1").iterdir()] == ["state"]
    assert words(vault, "ses_2") == conversation(3)
    assert [holding.kept.about.session_id for holding in vault.holdings()] == ["ses_2"]
    known = vault.kept("ses_1")
    assert known is not None and known.updated_ms == kept.updated_ms, "how far it went is known still"


def test_who_reads_while_another_writes_misses_nothing(tmp_path: Path) -> None:
    keep(Vault(tmp_path / "vault"), [said(0)], 1)
    program = f"""
from pathlib import Path
from tests.faults.test_vault_file import keep, said
from t3tray.store.vault import Vault
for number in range(1, 120):
    keep(Vault(Path({str(tmp_path / "vault")!r})), [said(number)], number + 1)
"""
    vault, reads = Vault(tmp_path / "vault"), 0
    with subprocess.Popen([sys.executable, "-c", program]) as writer:
        while writer.poll() is None:
            transcript = vault.transcript("ses_1")
            assert transcript and transcript.missing == ()
            assert transcript.utterances == conversation(len(transcript.utterances))
            reads += 1
    assert writer.returncode == 0 and reads > 10


def test_a_state_that_is_lost_takes_no_words_with_it(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    keep(vault, conversation(40), 40)
    (tmp_path / "vault" / "ses_1" / "state").unlink()
    assert words(vault) == conversation(40)
    keep(vault, conversation(1, 40), 1)
    assert words(vault) == conversation(41)
