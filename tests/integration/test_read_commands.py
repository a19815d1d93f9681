"""The command line on the sample world: it shows the thread's whole history, starts no server and changes no file."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from t3tray.cli import parser
from t3tray.demo.t3_database import stamp
from tests.support.t3_player import T3Code
from tests.support.t3_world import NOON, SAMPLE_THREAD, World, add_thread, sample_world, writing
from tests.support.unchanged import untouched

LOST, FRESH = "ses_df5bda4bcffeAjR2yQ7BgKfdFr", "ses_df5bba0caffepKgK3022CvG2WV"
FORKS = ["ses_df5baefbdffeXm3zVdpV5y2Er6", "ses_df5b87236ffe5RnsWYfjg7erHJ"]
READING = [
    ("status",),
    ("threads",),
    ("threads", "--all"),
    ("show", SAMPLE_THREAD[:8]),
    ("journal",),
    ("journal", SAMPLE_THREAD[:8]),
    ("doctor",),
    ("vault", "list"),
    ("settings",),
    ("server", "status"),
    ("guard", "status"),
]
# What each of these that does not just read must end with here, where there is no `opencode` to start.
REFUSED = {
    ("resume", SAMPLE_THREAD): 4,
    ("resume", "nobody"): 5,
    ("resume", "codex-1"): 6,
    ("show", "codex-1"): 6,
    ("send", SAMPLE_THREAD, "hello"): 4,
    ("remedy", SAMPLE_THREAD, "bind", "--session", FRESH): 6,
}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = sample_world(tmp_path / "world")
    with writing(world.state) as connection:
        (project,) = connection.execute("SELECT project_id FROM projection_projects").fetchone()
        add_thread(connection, "codex-1", None, title="Another provider's", provider="codex")
        connection.execute("UPDATE projection_threads SET project_id = ? WHERE thread_id = 'codex-1'", (project,))
    world.home.joinpath("userdata", "settings.json").write_text('{"providers": {"opencode": {"enabled": true}}}')
    monkeypatch.setenv("T3CODE_HOME", str(world.home))
    monkeypatch.setenv("OPENCODE_DB", str(world.opencode))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("TERM", "xterm")
    return world


@pytest.fixture(params=[False, True], ids=["T3 Code is off", "T3 Code runs"])
def t3_runs(request: pytest.FixtureRequest, world: World) -> Iterator[bool]:
    if not request.param:
        yield False
        return
    runtime = {"version": 1, "pid": os.getpid(), "origin": "http://127.0.0.1:9", "startedAt": stamp(NOON)}
    world.home.joinpath("userdata", "server-runtime.json").write_text(json.dumps(runtime))
    player = T3Code(world)
    player.tell("idle")
    assert world.state.with_name("state.sqlite-wal").stat().st_size > 0
    yield True
    player.quit()


def run(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    return parser.run(parser.parse(words, out, out), out, out), out.getvalue()


def document(*words: str) -> Any:
    code, told = run(*words, "--json")
    assert code == 0, told
    return json.loads(told)


@pytest.mark.usefixtures("t3_runs")
def test_no_command_that_reads_or_is_refused_changes_a_file_of_another_program(world: World) -> None:
    for words, code in {**dict.fromkeys(READING, 0), **REFUSED}.items():
        for more in ((), ("--json",)):
            with untouched(world.home, world.opencode.parent, world.code):
                ended, told = run(*words, *more)
            assert ended == code, f"{words}: {told}"


def test_threads_tells_which_session_it_lost_where_it_is_now_and_that_the_folder_is_wrong(world: World) -> None:
    ours, theirs = document("threads")["threads"]
    assert (ours["id"], ours["source"], ours["title"]) == (SAMPLE_THREAD, "t3code", "Refactor the parser")
    assert (ours["directory"], ours["session_directory"]) == (str(world.code / "wt"), str(world.code / "proj"))
    assert (ours["verdict"]["kind"], ours["verdict"]["reason"]) == ("blocked", "directory-mismatch")
    assert str(world.code / "proj") in ours["verdict"]["sentence"]
    assert ours["session_id"] == ours["t3code"]["session_id"] == FORKS[-1]
    assert [(one["session_id"], one["exists"]) for one in ours["served"]] == [
        (LOST, False),
        *((session, True) for session in (FRESH, *FORKS)),
    ]
    assert ours["served"][1]["from"] == "2026-11-23T21:16:22.747Z"
    assert (theirs["id"], theirs["verdict"], theirs["t3code"]["provider"]) == ("codex-1", None, "codex")


def test_doctor_tells_the_whole_story(world: World) -> None:
    findings = document("doctor")["findings"]
    by_name = {finding["name"]: finding for finding in findings}
    wrong = by_name["wrong directory"]
    assert not wrong["ok"] and str(world.code / "wt") in wrong["detail"] and str(world.code / "proj") in wrong["detail"]
    head, lost, *others = wrong["table"]
    assert head.split() == ["thread", "session", "created", "(UTC)", "messages", "input", "tokens", "folder", "source"]
    assert LOST in lost and "gone" in lost
    assert [line.split()[1] for line in others] == [FRESH, *FORKS] and others[-1].endswith("← T3 Code talks to this one")
    switches = [finding["detail"] for finding in findings if finding["name"] == "silent switch"]
    assert switches[0] == f"“Refactor the parser”: from {LOST} (gone) to {FRESH} at 2026-11-23 21:16 UTC"
    assert len(switches) == 3
    for program, size in (("OpenCode", "0.3 MB"), ("T3 Code", "0.4 MB")):
        assert by_name[f"{program}'s database"]["ok"] and size in by_name[f"{program}'s database"]["detail"]


def test_show_tells_every_session_that_was_ever_its_own(world: World) -> None:
    shown = document("show", SAMPLE_THREAD[:8])
    assert [(one["session_id"], one["exists"], one["messages"]) for one in shown["candidates"]] == [
        *((LOST, False, 0), (FRESH, True, 4), (FORKS[0], True, 6), (FORKS[1], True, 8)),
    ]
    _, told = run("show", SAMPLE_THREAD[:8])
    assert f"session  {FORKS[1]}, which works in {world.code / 'proj'}" in told


def test_status_counts_it_and_names_the_source(world: World) -> None:
    told = document("status")
    assert (told["server"]["state"], told["threads"]["blocked"], told["threads"]["total"]) == ("stopped", 1, 1)
    assert [source["path"] for source in told["sources"]] == ["", str(world.state)]
    assert told["reaper"]["sentence"] == "While t3tray runs, it stops the server once nothing has used it for 30 minutes."
