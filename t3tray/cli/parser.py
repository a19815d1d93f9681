"""The command line: the words, the options and the exit codes. What a command does is in `commands`.

It never imports PySide6, and nothing heavy before the words are understood: `--help` must be quick.
"""

from __future__ import annotations

import argparse
import signal
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn, TextIO

from t3tray import __version__
from t3tray.cli.output import fall_silent, for_scripts, put, say
from t3tray.domain.cursor import SESSION_PREFIX
from t3tray.errors import ExitCode, NotUtf8, OurBug, OutputLost, T3TrayError, UsageError


class _Parser(argparse.ArgumentParser):
    """Says what is wrong by our own error, so that a script gets it as a document. It takes no abbreviated option: a later
    version may have another one that begins so."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **(options | {"allow_abbrev": False}))

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, self.format_usage().strip())

    def _print_message(self, message: str, file: Any = None) -> None:
        """The help, or the version: an answer as any other."""
        try:
            put(message, file)
        except BrokenPipeError:
            fall_silent(file)


def parse(words: Sequence[str], out: TextIO, err: TextIO) -> argparse.Namespace:
    """What the words of a command line mean. Raises SystemExit, after it has told what is wrong with them."""
    try:
        for word in words:
            if NotUtf8.is_so(word):
                raise NotUtf8(word)
        found = build_parser().parse_args(words)
        if found.demo and (found.command not in (None, "run") or found.data_dir):
            raise UsageError("--demo makes a world of its own.", "Give it alone; it tells how to try a command on that world.")
        return found
    except OutputLost as error:
        raise SystemExit(_tell(error, False, out, err)) from None
    except UsageError as error:
        if "--json" in words and "run" in words[:1]:
            # Whoever reads it reads lines.
            from t3tray.cli.run_documents import error_line

            with suppress(OSError, OutputLost):
                put(error_line(error), out)
            raise SystemExit(int(error.exit_code)) from None
        raise SystemExit(_tell(error, "--json" in words, out, err)) from None


def build_parser() -> argparse.ArgumentParser:
    """All commands. Without one the tray app is meant. Its `parse_args` raises UsageError."""
    common = _Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON document on standard output, and nothing else")
    # Without a default of its own: it would stand in the place of what was said before the command.
    folder = "where t3tray keeps its data (default: the user's data directory)"
    common.add_argument("--data-dir", metavar="DIR", default=argparse.SUPPRESS, help=folder)
    parser = _Parser(
        prog="t3tray",
        description="Knows each thread's OpenCode session, and never lets a thread switch to an empty one in silence.",
        epilog="Without a command the tray app starts; where there is no display, `run` does. "
        "THREAD is an id or the beginning of one that fits no other.",
    )
    parser.add_argument("--version", action="version", version=f"t3tray {__version__}")
    parser.add_argument("--data-dir", metavar="DIR", help=folder)
    parser.add_argument("--demo", action="store_true", help="try the tray app on a scratch world that is gone afterwards")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def add(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=summary, description=summary, parents=[common])

    run = add("run", "the tray app without a window: told line by line, until Ctrl+C")
    # Without a default of its own: it would stand in the place of what was said before the command.
    run.add_argument("--demo", action="store_true", default=argparse.SUPPRESS, help="on a scratch world that is gone afterwards")
    add("status", "the server, how many threads can be resumed, where they come from")
    add("threads", "every thread with its verdict").add_argument("--all", action="store_true", help="the archived ones too")
    add("show", "everything known of one thread").add_argument("thread", metavar="THREAD")
    _resume_and_send(
        add("resume", "verify a thread and print the receipt"), add("send", "resume, then prompt and stream the reply")
    )
    new = add("new", "a new thread")
    new.add_argument("--dir", required=True, metavar="DIR", help="the folder it works in")
    new.add_argument("--title", default="", help="what it is called")
    new.add_argument("--prompt", metavar="TEXT", type=_message, help="the first message")
    new.add_argument("--no-wait", action="store_true", help="do not wait for the reply")
    add("adopt", "a thread for a session that is already there").add_argument("session", metavar="SESSION", type=_session)
    remedy = add("remedy", "one of the remedies that a verdict offers")
    remedy.add_argument("thread", metavar="THREAD")
    remedy.add_argument("name", metavar="NAME", help="as `show` lists it: retry, bind, release, …")
    remedy.add_argument("--session", metavar="SES", help="the session to bind to")
    remedy.add_argument("--dir", metavar="DIR", help="the folder to use")
    remedy.add_argument("--yes", action="store_true", help="do it without asking")
    add("journal", "the history of the bindings").add_argument("thread", metavar="THREAD", nargs="?")
    doctor = add("doctor", "what is wrong, if anything: our data and server, T3 Code's threads, orphans, disks")
    doctor.add_argument("--diagnostics", action="store_true", help="all that helps to report a trouble, without secrets")
    doctor.add_argument("--settle", action="store_true", help="say that what was put back from a copy is as it should be")
    server = add("server", "start, stop, restart, look at the server")
    server.add_argument("action", choices=["start", "stop", "restart", "status", "logs"])
    forget = "with `stop`: another machine, which started the server or left a change open, is gone for good"
    server.add_argument("--forget", action="store_true", help=forget)
    vault = add("vault", "what was kept of the threads' words")
    vault.add_argument("action", choices=["list", "show", "export", "status", "migrate"])
    vault.add_argument("thread", metavar="THREAD", nargs="?")
    remove = "with `migrate`: remove the files of earlier versions that were read back equal"
    vault.add_argument("--remove", action="store_true", help=remove)
    vault.add_argument("--format", choices=["md", "json"], default="md", help="of an export")
    settings = add("settings", "show the settings, or set one")
    settings.add_argument("name", metavar="NAME", nargs="?")
    settings.add_argument("value", metavar="VALUE", nargs="?")
    guard = add("guard", "the proxy for T3 Code: point T3 Code at it, put that back, look, or run it here")
    guard.add_argument("action", choices=["on", "off", "status", "run"])
    guard.add_argument("--yes", action="store_true", help="do it without asking")
    guard.add_argument("--interrupt", action="store_true", help="even while a turn runs in T3 Code, which ends it")
    guard.add_argument("--at-login", action="store_true", help="with `on`: start t3tray when you log in, too")
    add("attach", "verify a thread, then open OpenCode in this terminal").add_argument("thread", metavar="THREAD")
    return parser


def _resume_and_send(resume: argparse.ArgumentParser, send: argparse.ArgumentParser) -> None:
    resume.add_argument("thread", metavar="THREAD")
    where = ["terminal", "browser", "t3code", "none"]
    help_open = "and open it there; the browser only where the server asks for no password"
    resume.add_argument("--open", choices=where, default="none", help=help_open)
    send.add_argument("thread", metavar="THREAD")
    send.add_argument("text", metavar="TEXT", type=_message)
    send.add_argument(
        "--anyway",
        action="store_true",
        help="even while another OpenCode process may be at work in the session, or a pending revert takes messages away",
    )
    send.add_argument("--no-wait", action="store_true", help="do not wait for the reply")


def _message(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("there is nothing in it to send")
    return text


def _session(text: str) -> str:
    number = text.removeprefix(SESSION_PREFIX)
    if number == text or not (number.isascii() and number.isalnum()):
        raise argparse.ArgumentTypeError(f"“{text}” is no session: their ids are {SESSION_PREFIX} with letters and digits behind")
    return text


def run(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Do one command; the exit code. Every error ends here, in words or as a document."""
    try:
        from t3tray.cli.run import run_command

        try:
            return int(run_command(arguments, out, err))
        except BrokenPipeError:
            fall_silent(out)
            return int(ExitCode.DONE)
    except KeyboardInterrupt:
        # Before the commands watch for signals, and on Windows, where they cannot.
        return 128 + signal.SIGINT
    except T3TrayError as error:
        return _tell(error, arguments.json, out, err)
    except Exception as bug:
        say(traceback.format_exc(), err)
        return _tell(
            OurBug(f"{type(bug).__name__}: {bug}", "Nothing was lost. The lines above help us to mend it."),
            arguments.json,
            out,
            err,
        )


def _tell(error: T3TrayError, as_document: bool, out: TextIO, err: TextIO) -> int:
    if as_document and not isinstance(error, OutputLost):
        from t3tray.cli.json_documents import error_document

        with suppress(OSError, OutputLost):
            put(for_scripts(error_document(error), out), out)
    else:
        told = "\n".join(filter(None, (f"{error.title}: {error.message}", error.hint)))
        say(f"{told}\n", err)
    return int(error.exit_code)
