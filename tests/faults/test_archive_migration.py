"""Files of earlier versions are imported into the archive, equal to the byte, and stay until the user removes them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from t3tray.domain.archived import TranscriptOwner
from t3tray.errors import StoreError
from t3tray.messages.data_file import PARTS_REBUILT
from t3tray.store import archive_file, archive_migration, vault_files
from t3tray.store.archive_file import FILE_NAME
from t3tray.store.archive_migration import ArchiveMigration
from t3tray.store.transcript_archive import TranscriptArchive
from t3tray.store.vault_files import VaultFiles
from tests.support.archives import AT, OTHER, OWNER, archive_in, conversation, keep, said, words
from tests.support.kill_at_lines import killed_at_lines
from tests.support.old_vault import FULL, OldVault

COUNT, FEW = 3 * FULL + 5, FULL + 1
GONE = TranscriptOwner("thread-3", "ses_3", "Let go", "/work")


@pytest.fixture
def old(tmp_path: Path) -> OldVault:
    """Three transcripts of an earlier version; the session of one was released."""
    vault = OldVault(tmp_path / "data" / "vault")
    vault.keep(OWNER, conversation(COUNT), AT, 1_000 + COUNT, COUNT - 2)
    vault.keep(OTHER, conversation(3), AT, 5, 3)
    vault.let_go(GONE, AT, 7, 9)
    return vault


def migration_in(data: Path) -> tuple[ArchiveMigration, TranscriptArchive]:
    archive = archive_in(data)
    return ArchiveMigration(VaultFiles(data / "vault"), archive), archive


def few(folder: Path) -> OldVault:
    """Few messages, for repeated runs."""
    vault = OldVault(folder / "data" / "vault")
    vault.keep(OWNER, conversation(FEW), AT, 1_000 + FEW, FEW)
    vault.keep(OTHER, conversation(3), AT, 5, 3)
    vault.let_go(GONE, AT, 7, 9)
    return vault


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "lock" not in path.name
    }


def test_all_of_it_comes_over_and_the_files_stay_as_they_were(old: OldVault, tmp_path: Path) -> None:
    before = files(old.folder)
    migration, archive = migration_in(tmp_path / "data")
    assert migration.report().pending == 3 and [each.archived.messages for each in migration.pending()] == [COUNT, 3, 0]
    assert migration.bring_over_some(1_000) == (True, False) and migration.bring_over_some(1_000) == (False, False)
    assert words(archive) == conversation(COUNT) and words(archive, "ses_2") == conversation(3)
    state, gone = archive.get("ses_1"), archive.get("ses_3")
    assert state and (state.owner, state.taken_at, state.updated_ms, state.in_session) == (OWNER, AT, 1_000 + COUNT, COUNT - 2)
    assert gone and (gone.messages, gone.updated_ms) == (0, 7), "how far it went is known still"
    report = migration.report()
    assert (report.transcripts, report.messages, report.pending, report.unread) == (3, COUNT + 3, 0, ())
    assert files(old.folder) == before and migration.pending() == ()
    again, _ = migration_in(tmp_path / "data")
    assert again.bring_over_some(1_000) == (False, False), "once"


def test_much_of_it_comes_over_a_part_at_a_time(old: OldVault, tmp_path: Path) -> None:
    migration, archive = migration_in(tmp_path / "data")
    assert migration.bring_over_some(COUNT) == (True, True)
    assert words(archive) == conversation(COUNT) and archive.get("ses_2") is None
    assert migration.bring_over_some(COUNT) == (True, False)
    assert words(archive, "ses_2") == conversation(3)


def test_killed_anywhere_it_begins_again_and_ends(tmp_path: Path) -> None:
    old, turns = few(tmp_path), 0

    def prepare() -> Callable[[], object]:
        nonlocal turns
        turns += 1
        shutil.copytree(tmp_path / "data", tmp_path / str(turns))
        return lambda: migration_in(tmp_path / str(turns))[0].bring_over_some(1_000)

    for _ in killed_at_lines(prepare, archive_migration, archive_file, step=17):
        assert files(tmp_path / str(turns) / "vault") == files(old.folder)
        migration, archive = migration_in(tmp_path / str(turns))
        migration.bring_over_some(1_000)
        assert words(archive) == conversation(FEW) and words(archive, "ses_2") == conversation(3)
        report = migration.report()
        assert (report.transcripts, report.pending, report.unread) == (3, 0, ()) and not archive.file.notices
        archive.close()
    assert turns > 5


def test_only_what_is_read_back_equal_is_removed_and_only_on_the_users_word(old: OldVault, tmp_path: Path) -> None:
    migration, archive = migration_in(tmp_path / "data")
    assert migration.read_back(removes=False).transcripts == 3 and len(list(old.folder.glob("ses_*"))) == 3
    report = migration.read_back(removes=True)
    assert (report.removed, report.transcripts, report.messages, report.pending) == (3, 3, COUNT + 3, 0)
    assert not old.folder.exists() and not old.folder.with_name("vault.removed").exists()
    assert words(archive) == conversation(COUNT) and migration.report().transcripts == 0


def test_killed_while_it_removes_them_every_message_is_in_the_archive(tmp_path: Path) -> None:
    few(tmp_path)
    migration, archive = migration_in(tmp_path / "data")
    migration.bring_over_some(1_000)
    archive.close()
    turns = 0

    def prepare() -> Callable[[], object]:
        nonlocal turns
        turns += 1
        shutil.copytree(tmp_path / "data", tmp_path / str(turns))
        return lambda: migration_in(tmp_path / str(turns))[0].read_back(removes=True)

    for _ in killed_at_lines(prepare, archive_migration, vault_files, step=17):
        migration, archive = migration_in(tmp_path / str(turns))
        for _ in range(2):
            migration.bring_over_some(1_000)
            assert words(archive) == conversation(FEW) and words(archive, "ses_2") == conversation(3)
            assert [state.lost for state in archive.checked()] == [(), ()]
            migration.read_back(removes=True)
        assert not (tmp_path / str(turns) / "vault").exists() and not (tmp_path / str(turns) / "vault.removed").exists()
        archive.close()
    assert turns > 5


def test_a_damaged_chunk_is_named_all_else_comes_over_and_its_folder_stays(old: OldVault, tmp_path: Path) -> None:
    chunk = old.chunks["ses_1"][1]["hash"]
    (old.folder / "ses_1" / chunk).write_bytes(b"nothing")
    migration, archive = migration_in(tmp_path / "data")
    report = migration.read_back(removes=True)
    lost = f"{FULL} messages (from {said(FULL).id} to {said(2 * FULL - 1).id}) cannot be read any more: they are damaged."
    assert report.unread == ((str(old.folder / "ses_1"), (lost,)),) and report.removed == 2
    assert [path.name for path in old.folder.glob("ses_*")] == ["ses_1"]
    found = archive.transcript("ses_1")
    assert found and found.missing[0] == lost
    assert found.messages == (*conversation(FULL), *conversation(COUNT - 2 * FULL, 2 * FULL))
    state = archive.get("ses_1")
    assert state and state.updated_ms == 0, "so that its session is read anew"
    keep(archive, conversation(COUNT), COUNT)
    again = archive.transcript("ses_1")
    assert again and (again.messages, again.missing) == (conversation(COUNT), ())


@pytest.mark.parametrize("is_there", [True, False])
def test_without_a_sound_state_the_messages_come_over(old: OldVault, tmp_path: Path, is_there: bool) -> None:
    state = old.folder / "ses_1" / "state"
    state.write_bytes(b"nothing") if is_there else state.unlink()
    migration, archive = migration_in(tmp_path / "data")
    report = migration.read_back(removes=True)
    assert words(archive) == conversation(COUNT)
    assert report.unread == ((str(old.folder / "ses_1"), (PARTS_REBUILT,)),) and state.parent.exists()
    keep(archive, conversation(2, COUNT), COUNT + 2)
    found = archive.get("ses_1")
    assert found and (found.owner, found.messages) == (OWNER, COUNT + 2)


def test_a_folder_that_cannot_be_read_hinders_no_other_one(old: OldVault, tmp_path: Path) -> None:
    (old.folder / "ses_2" / "state").unlink()
    (old.folder / "ses_2" / "state").mkdir()
    migration, archive = migration_in(tmp_path / "data")
    report = migration.read_back(removes=True)
    assert words(archive) == conversation(COUNT) and report.removed == 2
    ((folder, sentences),) = report.unread
    assert folder == str(old.folder / "ses_2") and sentences
    assert (old.folder / "ses_2").exists()


def test_what_an_older_version_kept_meanwhile_comes_over_too(old: OldVault, tmp_path: Path) -> None:
    migration, archive = migration_in(tmp_path / "data")
    migration.bring_over_some(1_000)
    archive.add(OTHER, [said(2, "later"), said(3)], AT, 50, 4)
    old.keep(OWNER, [said(COUNT - 1, "anew"), *conversation(4, COUNT)], AT, 2_000 + COUNT, COUNT + 4)
    old.keep(OTHER, [said(9)], AT, 20, 4)
    migration, archive = migration_in(tmp_path / "data")
    migration.bring_over_some(1_000)
    assert words(archive) == (*conversation(COUNT - 1), said(COUNT - 1, "anew"), *conversation(4, COUNT))
    assert words(archive, "ses_2") == (*conversation(2), said(2, "later"), said(3), said(9)), "the later word of each message"
    assert migration.read_back(removes=True).removed == 3


def test_what_was_let_go_of_in_the_archive_stays_in_the_files(old: OldVault, tmp_path: Path) -> None:
    migration, archive = migration_in(tmp_path / "data")
    migration.bring_over_some(1_000)
    archive.let_go("ses_2")
    migration, archive = migration_in(tmp_path / "data")
    assert migration.bring_over_some(1_000) == (False, False) and archive.transcript("ses_2") is None
    found = migration.transcript("ses_2")
    assert found and found.messages == conversation(3)


def test_while_the_archive_cannot_be_written_the_files_tell(old: OldVault, tmp_path: Path) -> None:
    (tmp_path / "data" / FILE_NAME).mkdir()
    migration, _ = migration_in(tmp_path / "data")
    with pytest.raises(StoreError):
        migration.bring_over("ses_1")
    found = migration.transcript("ses_1")
    assert found and found.messages == conversation(COUNT)


def test_passwords_that_an_earlier_version_kept_do_not_come_over(tmp_path: Path) -> None:
    vault = OldVault(tmp_path / "data" / "vault")
    vault.keep(OWNER, [said(0, "it is t3tray-pw-abcdefgh12345678, so")], AT, 5, 1)
    migration, archive = migration_in(tmp_path / "data")
    assert migration.read_back(removes=True).removed == 1
    assert [each.text for each in words(archive)] == ["it is [removed], so"]


@pytest.mark.parametrize("session", ["../ses_1", "", "a/b", "..", "ses 1", "x" * 200])
def test_a_name_that_is_no_sessions_never_becomes_a_path(tmp_path: Path, session: str) -> None:
    old = VaultFiles(tmp_path / "vault")
    (tmp_path / "ses_1").mkdir()
    (tmp_path / "ses_1" / "state").write_bytes(b"{}")
    assert old.fingerprint(session) is None and old.read(session) is None
