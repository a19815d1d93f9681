"""`t3tray app` as a user types it: documents, exit codes, and no data of its own."""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from t3tray.cli import parser
from t3tray.cli.commands.app import app
from t3tray.cli.context import BareCommand
from t3tray.errors import Refused

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("T3TRAY_DATA_DIR", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    return tmp_path


class Stream(io.StringIO):
    encoding = "utf-8"


def run(*words: str) -> tuple[int, dict[str, Any]]:
    out = Stream()
    arguments: argparse.Namespace = parser.parse(["app", *words, "--json"], out, Stream())
    code = parser.run(arguments, out, Stream())
    return code, json.loads(out.getvalue())


def test_install_link_and_remove_answer_with_their_items(home: Path) -> None:
    entry, link = home / "data" / "applications" / "t3tray.desktop", home / ".local" / "bin" / "t3tray"
    code, document = run("install")
    assert code == 0
    assert document == {"items": [{"name": "app", "subject": str(entry), "outcome": "written", "bytes": None, "sentence": ""}]}
    assert run("install")[1]["items"][0]["outcome"] == "unchanged"
    (item,) = run("link")[1]["items"]
    assert (item["name"], item["subject"], item["outcome"]) == ("link", str(link), "written")
    code, document = run("remove")
    assert code == 0 and [item["outcome"] for item in document["items"]] == ["removed", "removed"]
    assert not entry.exists() and not link.exists()
    assert [item["outcome"] for item in run("remove")[1]["items"]] == ["nothing-there", "nothing-there"]
    assert not (home / "data" / "t3tray").exists(), "no data is made"


def test_another_programs_file_is_refused(home: Path) -> None:
    entry = home / "data" / "applications" / "t3tray.desktop"
    entry.parent.mkdir(parents=True)
    entry.write_text("mine")
    code, document = run("install")
    assert code == document["error"]["code"] == 6 and str(entry) in document["error"]["message"]
    assert run("remove")[0] == 0 and entry.read_text() == "mine"


@pytest.mark.parametrize(("action", "says"), [("install", "its installer"), ("link", "`t3trayc`")])
async def test_windows_says_what_it_has_not(action: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    out = Stream()
    with pytest.raises(Refused) as refused:
        await app(BareCommand(argparse.Namespace(action=action, json=True, data_dir=None), out, out))
    assert says in f"{refused.value.message} {refused.value.hint}"
    assert await app(BareCommand(argparse.Namespace(action="remove", json=True, data_dir=None), out, out)) == 0
    assert json.loads(out.getvalue()) == {"items": []}
