"""The diagnostics contain everything that helps and no secret, whatever state the machine is in."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t3tray.backend.backend import Backend
from t3tray.backend.parts import utc_now
from t3tray.domain.thread import Source, Thread
from t3tray.server.manager import Endpoint
from t3tray.system.log_file import FILE_NAME
from tests.unit.domain.test_redaction import PLACES, SECRETS


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    opened = await Backend.open(str(tmp_path / "data"), "tray")
    yield opened
    await opened.close()


def log(backend: Backend, name: str, text: str) -> None:
    path = backend.server.log_path.with_name(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


async def test_they_tell_versions_settings_states_sizes_and_logs(backend: Backend) -> None:
    log(backend, FILE_NAME, "our own last words")
    log(backend, "opencode-serve.log", "the server's last words")
    await backend.preferences.change("stop_idle_minutes", 7)
    text = await backend.inspection.diagnostics(["Qt 6, platform offscreen, scale 2"])
    for part in (
        "t3tray 0.",
        "Python 3.",
        "SQLite 3.",
        "platform offscreen, scale 2",
        "stop_idle_minutes: 7",
        "server state: stopped",
        "t3tray.sqlite: ",
        "our own last words",
        "the server's last words",
    ):
        assert part in text, part


async def test_no_title_folder_or_word_of_a_thread_is_in_them(backend: Backend, tmp_path: Path) -> None:
    now = utc_now()
    backend.store.threads.add(Thread("3f2a", "My private matter", "/code/private", Source.T3TRAY, now, now, draft="dear diary"))
    text = await backend.inspection.diagnostics()
    assert "t3tray, new: 1" in text
    for private in ("private", "diary"):
        assert private not in text


async def test_the_home_folder_is_shortened(backend: Backend) -> None:
    log(backend, FILE_NAME, f"in {Path.home()}/src")
    text = await backend.inspection.diagnostics()
    assert "in ~/src" in text and str(Path.home()) not in text


async def test_what_cannot_be_told_hinders_nothing_else(backend: Backend) -> None:
    backend.server.log_path.with_name(FILE_NAME).mkdir(parents=True)
    text = await backend.inspection.diagnostics()
    assert "unknown: [Errno" in text and "server state: stopped" in text


async def test_the_passwords_in_use_are_not_in_them(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "hush, hush")

    async def ready() -> Endpoint:
        return Endpoint("http://127.0.0.1:1", "swordfish", "1")

    monkeypatch.setattr(backend.server, "ensure_ready", ready)
    await backend.servers.connect()
    log(backend, FILE_NAME, "it said swordfish and hush, hush")
    text = await backend.inspection.diagnostics()
    assert "it said [removed] and [removed]" in text


@settings(max_examples=10)
@given(st.lists(st.tuples(SECRETS, st.sampled_from(PLACES)), min_size=1, max_size=8))
def test_a_secret_that_is_planted_anywhere_is_not_in_them(planted: list[tuple[str, Callable[[str], str]]]) -> None:
    async def act() -> str:
        with tempfile.TemporaryDirectory() as folder:
            backend = await Backend.open(folder, "tray")
            try:
                lines = [place(secret) for secret, place in planted]
                log(backend, FILE_NAME, "\n".join(lines))
                log(backend, "opencode-serve.log", "\n".join(reversed(lines)))
                return await backend.inspection.diagnostics(lines)
            finally:
                await backend.close()

    text = asyncio.run(act())
    for secret, _ in planted:
        assert secret not in text
