"""T3 Code's provider logs, and where it runs."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.demo.t3_database import stamp
from t3tray.t3code.home import T3Home
from t3tray.t3code.provider_logs import ProviderLogs
from t3tray.t3code.server_info import runs, served_since, thread_address
from tests.support.constant_server import answering
from tests.support.t3_world import NOON, SAMPLE_THREAD, World, add_log, empty_world, hold_open, sample_world

SESSIONS = ["ses_df5bda4bcffeAjR2yQ7BgKfdFr", "ses_df5bba0caffepKgK3022CvG2WV", "ses_df5baefbdffeXm3zVdpV5y2Er6"]


def later(minutes: int) -> Any:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return empty_world(tmp_path)


def test_the_samples_log_tells_the_four_sessions_in_their_order(tmp_path: Path) -> None:
    logs = ProviderLogs(sample_world(tmp_path).logs)
    assert [one.session_id for one in logs.stretches(SAMPLE_THREAD)] == [*SESSIONS, "ses_df5b87236ffe5RnsWYfjg7erHJ"]
    assert logs.has(SAMPLE_THREAD) and not logs.has("another")


def test_lines_of_one_session_are_one_stretch_over_rotations_too(world: World) -> None:
    add_log(world, "t1", ("ses_a", NOON), ("ses_a", later(1)))
    path = world.logs / "events.t1.log"
    path.rename(f"{path}.1")
    add_log(world, "t1", ("ses_a", later(2)), ("ses_b", later(3)))
    stretches = ProviderLogs(world.logs).stretches("t1")
    assert [(one.session_id, one.began, one.ended) for one in stretches] == [
        ("ses_a", NOON, later(2)),
        ("ses_b", later(3), later(3)),
    ]


def test_a_log_is_read_on_from_where_it_was_and_half_a_line_waits(world: World) -> None:
    add_log(world, "t1", ("ses_a", NOON))
    logs, path = ProviderLogs(world.logs), world.logs / "events.t1.log"
    assert len(logs.stretches("t1")) == 1
    half = f'[{stamp(later(1))}] CANON: {{"payload":{{"providerThreadId":"ses_b"'
    with path.open("a") as file:
        file.write(half)
    assert len(logs.stretches("t1")) == 1
    with path.open("a") as file:
        file.write("}}\n")
    assert [one.session_id for one in logs.stretches("t1")] == ["ses_a", "ses_b"]


def test_a_log_that_shrank_is_read_anew(world: World) -> None:
    add_log(world, "t1", ("ses_a", NOON), ("ses_b", later(1)))
    logs = ProviderLogs(world.logs)
    assert len(logs.stretches("t1")) == 2
    (world.logs / "events.t1.log").write_text("")
    add_log(world, "t1", ("ses_c", NOON))
    assert [one.session_id for one in logs.stretches("t1")] == ["ses_c"]


@given(st.lists(st.sampled_from(["ses_a", "ses_b", "odd ses_a", "twice", "nothing"]), max_size=12))
def test_whatever_stands_between_each_change_of_session_is_found(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    lines, expected = list[str](), list[tuple[str, datetime, datetime]]()
    for number, kind in enumerate(kinds):
        session = "ses_a" if kind == "twice" else kind.removeprefix("odd ")
        named = f'"providerThreadId":"{session}"' if kind != "nothing" else '"type":"x"'
        named += ',"providerThreadId":"ses_b"' if kind == "twice" else ""
        lines.append(f"{'' if kind.startswith('odd') else f'[{stamp(later(number))}] NTIVE: '}{{{named}}}\n")
        if kind in ("ses_a", "ses_b", "twice"):
            if expected and expected[-1][0] == session:
                expected[-1] = (session, expected[-1][1], later(number))
            else:
                expected.append((session, later(number), later(number)))
    (folder / "events.t1.log").write_text("".join(lines))
    assert [(one.session_id, one.began, one.ended) for one in ProviderLogs(folder).stretches("t1")] == expected


def test_a_log_of_many_blocks_is_read_to_its_end(world: World) -> None:
    times = [("ses_a" if number < 30_000 else "ses_b", NOON + timedelta(seconds=number)) for number in range(40_000)]
    add_log(world, "t1", *times)
    assert (world.logs / "events.t1.log").stat().st_size > 3 << 20
    found = [(one.session_id, one.began, one.ended) for one in ProviderLogs(world.logs).stretches("t1")]
    assert found == [("ses_a", NOON, times[29_999][1]), ("ses_b", times[30_000][1], times[-1][1])]


def test_a_name_that_is_a_path_leads_nowhere(world: World) -> None:
    assert ProviderLogs(world.logs).stretches("../../secret") == ()


def run_file(world: World, pid: int, origin: str = "") -> T3Home:
    home = T3Home(world.home)
    hold_open(world.state)
    home.runtime_file.write_text(json.dumps({"version": 1, "pid": pid, "origin": origin, "startedAt": stamp(NOON)}))
    home.environment_file.write_text("env-1\n")
    return home


def test_t3_code_runs_when_the_process_that_it_names_lives(world: World) -> None:
    assert served_since(T3Home(world.home)) is None
    assert served_since(run_file(world, os.getpid())) == NOON
    assert served_since(run_file(world, 2**22 + 1)) is None
    T3Home(world.home).runtime_file.write_text("{half")
    assert served_since(T3Home(world.home)) is None


def test_a_process_that_got_the_number_of_a_t3_code_that_is_gone_is_not_it(world: World) -> None:
    home, began = T3Home(world.home), psutil.Process().create_time()

    def said(at: float) -> bool:
        told = {"pid": os.getpid(), "startedAt": stamp(datetime.fromtimestamp(at, UTC))}
        home.runtime_file.write_text(json.dumps(told))
        return runs(home)

    assert said(began + 1) and said(began + 86_400) and said(began - 30), "the clocks need not agree to the second"
    assert not said(began - 3600), "left over from a process that ran before this one began"
    hold_open(world.state)
    assert said(began - 3600), "the clock was set meanwhile: it has T3 Code's database open"


@pytest.mark.parametrize(
    ("body", "is_ours"), [(b'{"environmentId":"env-1"}', True), (b'{"environmentId":"env-2"}', False), (b"<html>", False)]
)
async def test_a_threads_address_is_given_only_when_this_homes_t3_code_answers(world: World, body: bytes, is_ours: bool) -> None:
    with answering(body) as origin:
        address = await thread_address(run_file(world, os.getpid(), origin), "t1")
        assert address == (f"{origin}/env-1/t1" if is_ours else None)


async def test_nobody_who_answers_is_no_address(world: World) -> None:
    assert await thread_address(run_file(world, os.getpid(), "http://127.0.0.1:9"), "t1") is None
    assert await thread_address(run_file(world, 2**22 + 1, "http://127.0.0.1:9"), "t1") is None
