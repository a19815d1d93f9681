"""One command of the command line under way: its words, the engine, and where its answer goes."""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass
from typing import TextIO

from t3tray import documents
from t3tray.core.engine import Engine
from t3tray.core.errors import Refused
from t3tray.printing import fall_silent, for_people, for_scripts, say


@dataclass
class Command:
    """One command under way: its words, the engine, and where its answer goes."""

    words: argparse.Namespace
    engine: Engine
    out: TextIO
    err: TextIO

    def answer(self, document: documents.Document, text: str) -> None:
        """The answer, once: the document with --json, else the text."""
        if self.words.json:
            self.out.write(for_scripts(document, self.out))
        elif text:
            self.out.write(f"{for_people(text, self.out)}\n")

    def pass_on(self, piece: str) -> None:
        """A piece of an answer, at once. Whoever reads may have had enough: what was begun is brought to its end all the same."""
        try:
            self.out.write(for_people(piece, self.out) if self.out.isatty() else piece)
            self.out.flush()
        except BrokenPipeError:
            fall_silent(self.out)

    def say(self, text: str) -> None:
        """Something by the way; never where a script reads. Where nobody can (a closed standard error), it is not said."""
        say(f"{text}\n", self.err)

    @property
    def can_ask(self) -> bool:
        """Whether a person is there who could answer."""
        return bool(not self.words.json and sys.stdin and sys.stdin.isatty())

    async def ask(self, question: str) -> str:
        """What the person types."""
        self.err.write(question)
        self.err.flush()
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
