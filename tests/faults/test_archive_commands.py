"""`t3tray vault status` and `vault migrate`: what became of the files of earlier versions, in sentences and as a document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_one_thing_broken import run
from tests.support.archives import AT, OTHER, OWNER, archive_in, conversation, words
from tests.support.old_vault import FULL, OldVault
from tests.support.t3_world import empty_world


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with two transcripts of an earlier version."""
    world = empty_world(tmp_path / "world")
    monkeypatch.setenv("OPENCODE_DB", str(world.opencode))
    monkeypatch.setenv("T3CODE_HOME", str(world.home))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    old = OldVault(tmp_path / "data" / "vault")
    old.keep(OWNER, conversation(2 * FULL), AT, 5, 2 * FULL)
    old.keep(OTHER, conversation(3), AT, 5, 3)
    return tmp_path / "data"


def documented(data: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    found, told = run("vault", *arguments, "--data-dir", str(data), "--json")
    assert found == code, told
    document: dict[str, dict[str, Any]] = json.loads(told)
    return document["old_files"]


def test_they_are_brought_over_read_back_and_removed_on_the_users_word(data: Path) -> None:
    assert documented(data, "status")["pending"] == 2
    told = run("vault", "migrate", "--data-dir", str(data))[1]
    assert "2 transcripts with 67 messages" in told and "read back from the archive equal to them" in told
    assert "`t3tray vault migrate --remove` removes what was read back equal." in told
    assert (data / "vault" / "ses_1" / "state").exists()
    status = documented(data, "status")
    assert (status["transcripts"], status["messages"], status["pending"], status["removed"]) == (2, 67, 0, 0)
    assert status["bytes"] > 10_000
    assert documented(data, "migrate", "--remove")["removed"] == 2
    assert not (data / "vault").exists()
    assert "There are no files of earlier versions." in run("vault", "status", "--data-dir", str(data))[1]
    archive = archive_in(data)
    assert words(archive) == conversation(2 * FULL) and words(archive, "ses_2") == conversation(3)


def test_what_cannot_be_read_is_named_with_the_folder_that_stays(data: Path) -> None:
    chunk = min(path for path in (data / "vault" / "ses_1").iterdir() if path.name != "state")
    chunk.write_bytes(b"nothing")
    found = documented(data, "migrate", "--remove", code=4)
    ((unread,), removed) = found["unread"], found["removed"]
    assert unread["folder"] == str(data / "vault" / "ses_1") and "32 messages" in unread["damage"][0] and removed == 1
    told = run("vault", "status", "--data-dir", str(data))[1]
    assert f"! {data / 'vault' / 'ses_1'} stays:" in told
    kept = json.loads(run("vault", "list", "--data-dir", str(data), "--json")[1])["kept"]
    assert {each["session_id"]: len(each["damage"]) for each in kept} == {"ses_1": 1, "ses_2": 0}


def test_before_they_are_brought_over_the_list_shows_them(data: Path) -> None:
    kept = json.loads(run("vault", "list", "--data-dir", str(data), "--json")[1])["kept"]
    assert {each["session_id"]: each["messages"] for each in kept} == {"ses_1": 2 * FULL, "ses_2": 3}
