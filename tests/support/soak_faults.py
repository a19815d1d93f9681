"""The faults of the soak test. Each starts the operations, does harm while they run, and waits for their end."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tests.support.forked import LIMIT, Command
from tests.support.soak import Fault, SoakWorld

# In seconds: about the duration of a command; a fault may come at any moment of it.
WHOLE = 0.8
# A database that is locked for as long as it is waited for.
HELD = 1.5
# In s. OpenCode's own loop does not end if its clock is set back during a turn.
STEPS = (3, 60, 3600, -3, -60)


def nothing_goes_wrong(world: SoakWorld, operations: list[list[str]]) -> None:
    _together(world, operations)


def a_command_is_killed(world: SoakWorld, operations: list[list[str]]) -> None:
    def kill(command: Command) -> None:
        command.wait(world.choose.uniform(0, WHOLE))
        command.kill()

    _together(world, operations, kill)


def a_command_is_stopped_for_a_while(world: SoakWorld, operations: list[list[str]]) -> None:
    def stop(command: Command) -> None:
        if command.wait(world.choose.uniform(0, WHOLE)) is None:
            command.send_signal(signal.SIGSTOP)
            time.sleep(world.choose.uniform(0, 1))
            command.send_signal(signal.SIGCONT)

    _together(world, operations, stop)


def the_server_is_killed(world: SoakWorld, operations: list[list[str]]) -> None:
    with _meanwhile(lambda: _signal_servers(world, signal.SIGKILL), world.choose.uniform(0, WHOLE)):
        _together(world, operations)


def the_server_is_stopped_for_a_while(world: SoakWorld, operations: list[list[str]]) -> None:
    def stop() -> None:
        _signal_servers(world, signal.SIGSTOP)
        time.sleep(1)
        _signal_servers(world, signal.SIGCONT)

    with _meanwhile(stop, world.choose.uniform(0, WHOLE)):
        _together(world, operations)


def the_tray_is_killed(world: SoakWorld, operations: list[list[str]]) -> None:
    world.kill_tray()
    _together(world, operations)


def our_store_is_locked(world: SoakWorld, operations: list[list[str]]) -> None:
    seconds = world.choose.uniform(0, HELD)
    with _meanwhile(lambda: _hold(world.program.data / "t3tray.sqlite", seconds), 0):
        _together(world, operations)


def opencodes_database_is_locked(world: SoakWorld, operations: list[list[str]]) -> None:
    seconds = world.choose.uniform(0, HELD)
    with _meanwhile(lambda: _hold(world.database, seconds), 0):
        _together(world, operations)


def the_disk_is_full(world: SoakWorld, operations: list[list[str]]) -> None:
    """For one command: no file may grow beyond a few KB. Processes that it started have the same limit, and are ended with it."""
    size = world.choose.choice([0, 4096, 65_536, 200_000])
    before = set(world.servers())
    words = operations[0]
    world.finish(words, world.start(words, file_size=size), was_harmed=True)
    for pid in set(world.servers()) - before:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def our_store_is_put_back_from_a_copy(world: SoakWorld, operations: list[list[str]]) -> None:
    world.put_store_back()
    _together(world, operations)
    # An operation that never opened the store is not affected.
    world.finish(["threads"], world.start(["threads"]))


def the_clock_is_set(world: SoakWorld, operations: list[list[str]]) -> None:
    """For all programs at once, also running ones. A running process still counts as running: its server is no orphan."""
    step = world.choose.choice(STEPS)
    held, moment = world.held_servers(), world.choose.uniform(0, WHOLE)
    in_a_turn = step < 0 and any(words[0] == "send" for words in operations)
    with _meanwhile(lambda: world.clock.set(world.clock.seconds + step), 0 if in_a_turn else moment) as timer:
        if in_a_turn:
            timer.join()
        _together(world, operations)
    # It is ended by its caller, or after an hour without work.
    if step < 3600 and not any(words[0] in ("server", "tray") for words in operations):
        assert held <= set(world.servers()), "a server that is in use was ended when the clock was set"


FAULTS: tuple[Fault, ...] = (
    nothing_goes_wrong,
    a_command_is_killed,
    a_command_is_stopped_for_a_while,
    the_server_is_killed,
    the_server_is_stopped_for_a_while,
    the_tray_is_killed,
    our_store_is_locked,
    opencodes_database_is_locked,
    the_disk_is_full,
    our_store_is_put_back_from_a_copy,
    the_clock_is_set,
)


def _together(world: SoakWorld, operations: list[list[str]], harm: Callable[[Command], None] | None = None) -> None:
    running = [(words, world.start(words)) for words in operations]
    for words, command in running:
        if command is not None and harm is not None:
            harm(command)
        world.finish(words, command, harm is not None)


@contextmanager
def _meanwhile(work: Callable[[], None], delay: float) -> Iterator[threading.Timer]:
    timer = threading.Timer(delay, work)
    timer.start()
    try:
        yield timer
    finally:
        timer.join()


def _signal_servers(world: SoakWorld, number: int) -> None:
    for pid in world.servers():
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _hold(path: Path, seconds: float) -> None:
    """Hold a write transaction, as another program."""
    if not path.is_file():
        return
    with closing(sqlite3.connect(path, isolation_level=None, timeout=LIMIT)) as connection, suppress(sqlite3.OperationalError):
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")
