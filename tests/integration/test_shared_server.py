"""The server that tests share: nothing that one of them leaves reaches the next."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.shared_server import SharedServer


def test_what_one_test_leaves_is_gone_for_the_next(_shared: SharedServer, tmp_path: Path) -> None:
    server = _shared.lend()
    _shared.model.refuses = True
    with server.http() as http:
        session = http.post("/session", params={"directory": str(tmp_path)}, json={}).json()["id"]
        child = http.post("/session", params={"directory": str(tmp_path)}, json={"parentID": session}).json()["id"]
        _shared.model.refuses = False
        for each in (session, child):
            said = {"parts": [{"type": "text", "text": "hold"}]}
            http.post(f"/session/{each}/prompt_async", json=said).raise_for_status()
        _shared.model.wait_for_chats(2, 90)
    with subprocess.Popen(["sleep", "600"], env=_shared.home.environment) as left:
        _shared.take_back()
        assert left.wait(90) == -9
    assert _shared.lend() is server
    with server.http() as http:
        assert http.get("/experimental/session", params={"limit": 1000}).json() == []
    assert _shared.model.requests == [] and not _shared.model.refuses
    _shared.take_back()


@pytest.mark.parametrize("what", ["environment", "configuration"])
def test_a_home_that_was_changed_is_given_to_nobody(_shared: SharedServer, what: str) -> None:
    server, home = _shared.lend(), _shared.home
    if what == "environment":
        home.environment["OPENCODE_CONFIG_CONTENT"] = "{}"
    else:
        (home.root / "config" / "opencode" / "opencode.json").write_text("{}")
    _shared.take_back()
    assert not server.runs
    assert _shared.lend() is not server and _shared.home is not home
    _shared.take_back()
