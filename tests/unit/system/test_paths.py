"""Our own data folder is closed to others; one that the user named is left as it was wanted."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from t3tray.core.engine import Engine
from t3tray.core.system.paths import VARIABLE


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "something").touch()
    return folder


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


async def opened(data_dir: str | None) -> None:
    engine = await Engine.open(data_dir, "command")
    await engine.close()


@pytest.mark.skipif(os.name != "posix", reason="modes of folders")
async def test_the_usual_folder_is_closed_however_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    usual = made(Path(os.environ["XDG_DATA_HOME"]) / "t3tray")
    await opened(None)
    assert mode(usual) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="modes of folders")
async def test_a_folder_that_the_user_named_stays_as_it_is(tmp_path: Path) -> None:
    named = made(tmp_path / "named")
    await opened(str(named))
    assert mode(named) == 0o755
