"""One command of the command line under way: its words, the engine, and where its answer goes."""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass
from typing import TextIO

from t3tray.backend.engine import Engine
from t3tray.cli import json_documents
from t3tray.cli.output import as_written, fall_silent, for_people, for_scripts, put, say
from t3tray.errors import OutputLost, Refused


@dataclass
class Command:
    """One command under way: its words, the engine, and where its answer goes."""

    words: argparse.Namespace
    engine: Engine
    out: TextIO
    err: TextIO
    # What could not be written of an answer that comes in pieces.
    lost: OutputLost | None = None

    def answer(self, document: json_documents.Document, text: str) -> None:
        """The answer, once: the document with --json, else the text."""
        if self.words.json:
            put(for_scripts(document, self.out), self.out)
        elif text:
            put(f"{for_people(text, self.out)}\n", self.out)

    def pass_on(self, piece: str) -> None:
        """A piece of an answer, at once. Whoever reads may have had enough: what was begun is brought to its end all the same."""
        try:
            put(as_written(piece, self.out), self.out)
        except BrokenPipeError:
            fall_silent(self.out)
        except OutputLost as error:
            self.lost = error

    def say(self, text: str) -> None:
        """Something by the way; never where a script reads. Where nobody can (a closed standard error), it is not said."""
        say(f"{text}\n", self.err)

    @property
    def can_ask(self) -> bool:
        """Whether a person is there who could answer."""
        return bool(not self.words.json and sys.stdin and sys.stdin.isatty())

    async def ask(self, question: str) -> str:
        """What the person types."""
        say(question, self.err)
        if sys.platform == "win32":
            line: str = await asyncio.to_thread(sys.stdin.readline)
            return line.strip()
        # Not in a thread: Ctrl+C would have to wait there for a line.
        loop, typed = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(sys.stdin, typed.set)
        try:
            await typed.wait()
        finally:
            loop.remove_reader(sys.stdin)
        return sys.stdin.readline().strip()

    async def agree(self, preview: str) -> None:
        """Ask before something changes, `--yes` being the answer given beforehand. Raises Refused without one."""
        if self.words.yes:
            return
        if not self.can_ask:
            raise Refused(preview, "Nothing was changed. Say --yes to do it.")
        self.say(preview)
        if (await self.ask("Do it? [y/N] ")).lower() not in ("y", "yes"):
            raise Refused("Nothing was changed.")
