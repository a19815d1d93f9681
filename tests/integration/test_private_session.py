"""What a session of app and commands shows to others: it reaches nothing but loopback, and its logs hold nothing that was said.

The session is a real one: the tray app with a conversation in its window, the real OpenCode, a model on loopback, and commands.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from t3tray.domain.thread import Source, Thread
from t3tray.errors import OurBug
from tests.support.private_app import WORD
from tests.support.private_session import APP, DIAGNOSTICS, LIMIT, TOKEN, Session, is_loopback
from tests.support.stores import open_store
from tests.support.t3_world import NOON

pytestmark = pytest.mark.timeout(LIMIT + 60)


@pytest.fixture(scope="module")
def can_be_alone() -> bool:
    unshare = shutil.which("unshare")
    return unshare is not None and not subprocess.run([unshare, "-rn", "true"], capture_output=True, timeout=90).returncode


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, can_be_alone: bool) -> Session:
    """A session that has ended, with loopback alone where the kernel allows that."""
    root = tmp_path_factory.mktemp("session")
    alone, before = (["alone"], ["unshare", "-rn"]) if can_be_alone else ([], [])
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        [*before, sys.executable, "-m", "tests.support.private_session", str(root), *alone],
        env=plain,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return Session(root)


def test_app_and_commands_work_with_loopback_alone(session: Session, can_be_alone: bool) -> None:
    if not can_be_alone:
        pytest.skip("this kernel makes no network namespace for a user")
    codes = {process.words.split()[0]: process.code for process in session.ended}
    assert codes.pop(APP) == 0 and codes.pop("resume") == 5 and codes.pop("new") == 2, "the two that were to be refused"
    # A turn that the model refused; a preview.
    assert codes.pop("send") == 7 and codes.pop("remedy") == 6
    assert set(codes.values()) == {0}, session.ended


def test_no_address_but_of_loopback_is_tried(session: Session) -> None:
    if not shutil.which("strace"):
        pytest.skip("strace is not installed: what was tried and failed is not known")
    found = list(session.addresses())
    assert len(found) > 10, "the trace shows the connections to OpenCode"
    assert [each for each in found if not is_loopback(each[0])] == []


def test_logs_and_diagnostics_hold_nothing_that_was_said_and_no_secret(session: Session) -> None:
    shown = next(process.out for process in session.ended if process.words.startswith("vault export"))
    assert WORD in shown and TOKEN in shown, "the conversation has both"
    logs = dict(session.logs())
    assert {"data/logs/t3tray.log", "data/logs/opencode-serve.log", f"stdout of {DIAGNOSTICS}"} < logs.keys()
    assert "server listening" in logs["data/logs/opencode-serve.log"] and "## Doctor" in logs[f"stdout of {DIAGNOSTICS}"]
    for name, text in logs.items():
        for private in (WORD, *session.secrets()):
            assert not re.search(re.escape(private), text, re.IGNORECASE), f"{name} has {private}"


def test_no_file_of_the_data_folder_holds_the_servers_password(session: Session) -> None:
    _, password, _ = session.secrets()
    assert len(password) > 16
    for path in session.data.rglob("*"):
        assert not path.is_file() or path.parent.name == "secrets" or password.encode() not in path.read_bytes(), path


def test_an_error_of_the_store_names_no_value(tmp_path: Path) -> None:
    """It is logged with its traceback and its causes, whose text would have the values."""
    store = open_store(tmp_path, lambda: NOON)
    thread = Thread("t", f"Title {WORD}", f"/{WORD}", Source.T3TRAY, NOON, NOON, draft=WORD)
    store.threads.add(thread)
    with pytest.raises(OurBug) as raised:
        store.threads.add(thread)
    text = "".join(traceback.format_exception(raised.value))
    assert "INSERT INTO threads" in text and WORD not in text
    store.close()
