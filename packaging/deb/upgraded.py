"""The user's side of an upgrade of the .deb while t3tray runs: `upgraded.py STAGE`. `check_deb.sh` is root's side.

Starts the tray on an X server and writes STAGE/ready; continues when STAGE/upgraded is there.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "smoke"))
from live_checks import ENDS, x_server
from world import LIMIT, World, expect, wait_until

_CODEWORD = "HELIOTROPE"
_HINT = "t3tray was updated while"
# In seconds: an upgrade may wait for a download.
_UPGRADE = 600.0


def main(stage: Path) -> int:
    with tempfile.TemporaryDirectory(prefix="t3tray-upgrade-") as name:
        world = World(["t3tray"], Path(name), shutil.which("opencode"))
        number, server = x_server(world.root)
        try:
            print(_upgrade(world, stage, f":{number}"))
        finally:
            world.close()
            server.terminate()
            server.wait(LIMIT)
    return 0


def _upgrade(world: World, stage: Path, display: str) -> str:
    """Return what was seen. The tray has a conversation's data; a second process on other data says in words what it sees."""
    other = {"T3TRAY_DATA_DIR": str(world.root / "other data")}
    with world.model():
        thread = world.json("new", "--dir", str(world.project), "--prompt", f"the codeword is {_CODEWORD}")["id"]
        before = world.json("threads")["threads"]
        with world.started(extra={"DISPLAY": display}) as tray, world.started("run", "--json", extra=other) as telling:
            wait_until(lambda: '"threads"' in telling.said, "the list is read")
            wait_until(lambda: _is_shown(world, display), "the window is there")
            (stage / "ready").touch()
            wait_until((stage / "upgraded").exists, "the package is upgraded", _UPGRADE)
            wait_until(lambda: _HINT in telling.said, "it says that it was updated")
            world.run(extra={"DISPLAY": display})
            tray.expect_running()
            tray.expect_silence()
            world.end(telling, ENDS, others=1)
            took = world.end(tray, ENDS)
        expect(world.json("threads")["threads"] == before, "the threads are not those from before")
        reply = world.run("send", thread, "what is the codeword").out.strip()
    expect(reply == _CODEWORD, f"after the upgrade the model answers {reply}")
    return f"said so, ended in {took:.1f} s, and the new version answers “{reply}” in the same thread"


def _is_shown(world: World, display: str) -> bool:
    return bool(
        world.run("search", "--onlyvisible", "--name", "t3tray", program=["xdotool"], code=None, extra={"DISPLAY": display}).out
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
