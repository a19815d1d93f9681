"""The end of an interrupted command: by a signal while it opens or closes, or by a reader that closes the output."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import pytest

from t3tray.backend.backend import Backend
from t3tray.cli.context import Command
from t3tray.cli.run import COMMANDS, run_command
from t3tray.errors import ExitCode, UsageError

WORDS = Namespace(command="threads", data_dir=None, json=True, all=False)


class Opened:
    """Imitates a backend; records how far its closing came."""

    def __init__(self, at_close: Callable[[], None] = lambda: None) -> None:
        self.steps: list[str] = []
        self._at_close = at_close

    class restoring:
        @staticmethod
        async def warnings() -> tuple[str, ...]:
            return ()

    class server:
        @staticmethod
        def subscribe(_callback: object) -> None:
            """Ignored: nothing changes."""

    async def close(self) -> None:
        self.steps.append("begun")
        self._at_close()
        for _ in range(5):
            await asyncio.sleep(0)
        self.steps.append("ended")


def raise_here(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def opened(monkeypatch: pytest.MonkeyPatch, backend: Opened) -> None:
    async def give(*_words: Any) -> Opened:
        return backend

    monkeypatch.setattr(Backend, "open", give)


def work(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None] = lambda: None) -> None:
    async def for_ever(_command: Command) -> ExitCode:
        do()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setitem(COMMANDS, "threads", for_ever)


def test_a_signal_while_it_opens_ends_it_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_words: Any) -> Backend:
        raise_here(signal.SIGTERM)
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(Backend, "open", never)
    with pytest.raises(SystemExit) as ended:
        run_command(WORDS, io.StringIO(), io.StringIO())
    assert ended.value.code == 128 + signal.SIGTERM


def test_more_signals_wait_for_the_one_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Opened(lambda: raise_here(signal.SIGINT))
    opened(monkeypatch, backend)
    work(monkeypatch, lambda: raise_here(signal.SIGINT))
    with pytest.raises(SystemExit) as ended:
        run_command(WORDS, io.StringIO(), io.StringIO())
    assert ended.value.code == 128 + signal.SIGINT
    assert backend.steps == ["begun", "ended"]


def test_a_signal_while_a_finished_command_closes_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def done(_command: Command) -> ExitCode:
        return ExitCode.DONE

    backend = Opened(lambda: raise_here(signal.SIGTERM))
    opened(monkeypatch, backend)
    monkeypatch.setitem(COMMANDS, "threads", done)
    assert run_command(WORDS, io.StringIO(), io.StringIO()) is ExitCode.DONE
    assert backend.steps == ["begun", "ended"]


def test_an_answer_that_nobody_reads_any_more_goes_on_in_silence() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        command = Command(WORDS, out, io.StringIO(), backend=None)  # type: ignore[arg-type]
        for _ in range(3):
            command.write_piece("a piece\n")


@pytest.mark.parametrize("action", ["start", "restart", "status"])
async def test_what_another_machine_left_is_forgotten_only_by_stop(action: str) -> None:
    backend = await Backend.open(None, "command")
    words = Namespace(action=action, forget=True, json=False)
    with pytest.raises(UsageError, match=r"--forget can be used only with `server stop`\.") as refused:
        await COMMANDS["server"](Command(words, io.StringIO(), io.StringIO(), backend=backend))
    assert refused.value.exit_code is ExitCode.USAGE
    words.action = "stop"
    with pytest.raises(UsageError, match="No other machine has started a server"):
        await COMMANDS["server"](Command(words, io.StringIO(), io.StringIO(), backend=backend))
    await backend.close()


async def test_the_engine_closes_once_however_often_it_is_asked() -> None:
    backend = await Backend.open(None, "command")
    await asyncio.gather(backend.close(), backend.close())
    await backend.close()
