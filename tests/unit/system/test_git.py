"""A repository is only read: whatever its configuration names, no program of it runs and nothing is fetched."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from t3tray.system.git import first_commits

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
_WHO = ("-c", "user.name=dev", "-c", "user.email=dev@example.org")


def git(folder: Path, *words: str) -> str:
    asked = ["git", *_WHO, "-C", str(folder), *words]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    git(folder, "commit", "-q", "--allow-empty", "-m", "two")
    return folder


@pytest.mark.process
def test_the_commits_that_a_repository_began_with(repository: Path) -> None:
    assert first_commits(str(repository)) == [git(repository, "rev-list", "--max-parents=0", "HEAD")]


@pytest.mark.process
def test_no_repository_and_one_without_commits_began_with_none(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    assert first_commits(str(tmp_path / "bare"), os.environ | {"GIT_CEILING_DIRECTORIES": str(tmp_path)}) == []
    git(tmp_path / "bare", "init", "-q")
    assert first_commits(str(tmp_path / "bare")) == []


@pytest.mark.process
def test_variables_of_git_lead_to_no_other_repository(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert first_commits(str(tmp_path / "other"), os.environ | {"GIT_DIR": str(repository / ".git")}) == []


@pytest.mark.process
def test_nothing_that_its_configuration_names_is_run(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> {ran}\nexit 1\n')
    program.chmod(0o755)
    for name in ("core.fsmonitor", "core.sshCommand", "core.gitProxy", "core.alternateRefsCommand", "credential.helper"):
        git(repository, "config", name, str(program))
    git(repository, "config", "core.hooksPath", str(tmp_path))
    # A partial clone asks its remote for what is missing, by the program that is named for it.
    git(repository, "config", "core.repositoryFormatVersion", "1")
    git(repository, "config", "extensions.partialClone", "origin")
    git(repository, "config", "remote.origin.promisor", "true")
    git(repository, "config", "remote.origin.url", str(repository))
    git(repository, "config", "remote.origin.uploadpack", str(program))
    first = git(repository, "rev-list", "--max-parents=0", "HEAD")
    (repository / ".git" / "objects" / first[:2] / first[2:]).unlink()
    assert first_commits(str(repository)) is None, "that cannot be told any more"
    assert not ran.exists(), ran.read_text()


@pytest.mark.process
def test_without_git_it_cannot_be_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert first_commits(str(repository)) is None
