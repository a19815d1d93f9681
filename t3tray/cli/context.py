"""The context of one running command: parsed arguments, output streams and, for most, the backend."""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass, field
from typing import TextIO

from t3tray.backend.backend import Backend
from t3tray.cli import json_documents
from t3tray.cli.output import as_json, as_written, printable, put, redirect_to_null, say
from t3tray.errors import OutputLost, Refused


@dataclass
class BareCommand:
    """One running command: its parsed arguments, and the streams for its output."""

    arguments: argparse.Namespace
    out: TextIO
    err: TextIO
    # Set when a piece of a streamed answer could not be written.
    lost: OutputLost | None = None

    def answer(self, document: json_documents.Document, text: str) -> None:
        """Write the answer (once per command): `document` with --json, otherwise `text`."""
        if self.arguments.json:
            put(as_json(document, self.out), self.out)
        elif text:
            put(f"{printable(text, self.out)}\n", self.out)

    def write_piece(self, piece: str) -> None:
        """Write a piece of a streamed answer and flush it. A closed pipe is no error: the turn is still followed to its end."""
        try:
            put(as_written(piece, self.out), self.out)
        except BrokenPipeError:
            redirect_to_null(self.out)
        except OutputLost as error:
            self.lost = error

    def say(self, text: str) -> None:
        """Write a message for people to standard error, never to standard output. A closed standard error is ignored."""
        say(f"{text}\n", self.err)

    @property
    def is_interactive(self) -> bool:
        """Whether a question can be answered: no --json, and standard input is a terminal."""
        return bool(not self.arguments.json and sys.stdin and sys.stdin.isatty())

    async def ask(self, question: str) -> str:
        """Write `question` to standard error and return the line that the user types, stripped."""
        say(question, self.err)
        if sys.platform == "win32":
            line: str = await asyncio.to_thread(sys.stdin.readline)
            return line.strip()
        # Not in a thread: Ctrl+C would have to wait for that thread's `readline`.
        loop, typed = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(sys.stdin, typed.set)
        try:
            await typed.wait()
        finally:
            loop.remove_reader(sys.stdin)
        return sys.stdin.readline().strip()

    async def confirm(self, preview: str) -> None:
        """Ask for confirmation before a change, unless --yes was given. Raises Refused without a confirmation."""
        if self.arguments.yes:
            return
        if not self.is_interactive:
            raise Refused(preview, "Nothing was changed. Use --yes to confirm.")
        self.say(preview)
        if (await self.ask("Continue? [y/N] ")).lower() not in ("y", "yes"):
            raise Refused("Nothing was changed.")


@dataclass
class Command(BareCommand):
    """One running command that uses our data and the server."""

    backend: Backend = field(kw_only=True)
