"""The command line's arguments and options; `commands` implements the commands.

Never imports PySide6, and nothing slow before the arguments are parsed: `--help` must be quick.
"""

from __future__ import annotations

import argparse
import signal
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any, NoReturn, TextIO

from t3tray import __version__
from t3tray.cli.output import as_json, put, redirect_to_null, say
from t3tray.domain.cursor import SESSION_PREFIX
from t3tray.domain.link import is_like_link
from t3tray.errors import ExitCode, NotUtf8, OurBug, OutputLost, T3TrayError, UsageError


class _Parser(argparse.ArgumentParser):
    """Parser that raises UsageError, so that a script gets a document. Abbreviated options are not accepted: a later
    version may add an option with the same beginning."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **(options | {"allow_abbrev": False}))

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, self.format_usage().strip())

    def _print_message(self, message: str, file: Any = None) -> None:
        """Write the help or the version, which are answers like any other."""
        try:
            put(message, file)
        except BrokenPipeError:
            redirect_to_null(file)


def parse(argv: Sequence[str], out: TextIO, err: TextIO) -> argparse.Namespace:
    """Parse a command line. Raises SystemExit for invalid arguments, after writing the error."""
    try:
        for word in argv:
            if NotUtf8.applies_to(word):
                raise NotUtf8(word)
        options, link = _without_link(argv)
        arguments = build_parser().parse_args(options)
        arguments.link = link
        if arguments.demo and (arguments.command not in (None, "run") or arguments.data_dir):
            raise UsageError(
                "--demo cannot be combined with a command or with --data-dir.",
                "Use it alone: the demo prints how to run commands on its own data.",
            )
        return arguments
    except OutputLost as error:
        raise SystemExit(_write_error(error, False, out, err)) from None
    except UsageError as error:
        if "--json" in argv and "run" in argv[:1]:
            # `run --json` writes one object per line.
            from t3tray.cli.run_documents import error_line

            with suppress(OSError, OutputLost):
                put(error_line(error), out)
            raise SystemExit(int(error.exit_code)) from None
        raise SystemExit(_write_error(error, "--json" in argv, out, err)) from None


def _without_link(argv: Sequence[str]) -> tuple[Sequence[str], str]:
    """Return the arguments without a link that stands in the place of a command, and the link, which is not checked here."""
    *options, last = argv or ("",)
    match options:
        case [] | ["--data-dir", _]:
            is_in_place = True
        case [option]:
            is_in_place = option.startswith("--data-dir=")
        case _:
            is_in_place = False
    return (options, last) if is_in_place and is_like_link(last) else (argv, "")


@cache
def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands, made once; without a command the tray app starts. `parse_args` raises UsageError."""
    common = _Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="write exactly one JSON document to standard output")
    # No default here: it would replace a value given before the command.
    folder = "t3tray's data directory (default: the user's data directory)"
    common.add_argument("--data-dir", metavar="DIR", default=argparse.SUPPRESS, help=folder)
    parser = _Parser(
        prog="t3tray",
        description="Shows the OpenCode session of each thread, and never lets a thread continue silently in an empty session.",
        epilog="Without a command t3tray starts the tray app or, where there is no display, `run`. "
        "THREAD is a thread id or an unambiguous prefix of one. In place of a command, a link (t3tray://thread/ID, "
        "t3tray://resume/ID) opens the window at that thread.",
    )
    parser.add_argument("--version", action="version", version=f"t3tray {__version__}")
    parser.add_argument("--data-dir", metavar="DIR", help=folder)
    parser.add_argument("--demo", action="store_true", help="run the tray app on temporary demo data, removed at exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def add(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=summary, description=summary, parents=[common])

    run = add("run", "run without a window and print one line for each change, until Ctrl+C")
    # No default here: it would replace a value given before the command.
    run.add_argument("--demo", action="store_true", default=argparse.SUPPRESS, help="use temporary demo data, removed at exit")
    add("status", "show the server, the number of threads by verdict, and their sources")
    add("threads", "list all threads with their verdicts").add_argument(
        "--all", action="store_true", help="include archived threads"
    )
    add("show", "show all details of a thread").add_argument("thread", metavar="THREAD")
    _resume_and_send(
        add("resume", "verify a thread's session and print the receipt"),
        add("send", "verify a thread's session, send a message to it and print the reply as it arrives"),
    )
    new = add("new", "create a thread with a new session")
    new.add_argument("--dir", required=True, metavar="DIR", help="the thread's folder")
    new.add_argument("--title", default="", help="the thread's title")
    new.add_argument("--prompt", metavar="TEXT", type=_message, help="the first message")
    new.add_argument("--no-wait", action="store_true", help="do not wait for the reply")
    add("adopt", "create a thread for an existing session").add_argument("session", metavar="SESSION", type=_session)
    remedy = add("remedy", "apply one of the remedies that a verdict offers")
    remedy.add_argument("thread", metavar="THREAD")
    remedy.add_argument("name", metavar="NAME", help="a remedy that `show` lists: retry, bind, release, …")
    remedy.add_argument("--session", metavar="SES", help="the session to bind to")
    remedy.add_argument("--dir", metavar="DIR", help="the folder to use")
    remedy.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    add("journal", "show the history of bindings").add_argument("thread", metavar="THREAD", nargs="?")
    doctor = add("doctor", "check t3tray's data and server, T3 Code's threads, orphaned sessions and disks")
    doctor.add_argument("--diagnostics", action="store_true", help="print the information for a bug report, without secrets")
    doctor.add_argument("--settle", action="store_true", help="confirm that data restored from a copy is correct")
    server = add("server", "start, stop, restart or show the managed server")
    server.add_argument("action", choices=["start", "stop", "restart", "status", "logs"])
    forget = "with `stop`: discard the server and open changes of another machine that is gone for good"
    server.add_argument("--forget", action="store_true", help=forget)
    vault = add("vault", "list, show and export the archived transcripts")
    vault.add_argument("action", choices=["list", "show", "export", "status", "migrate"])
    vault.add_argument("thread", metavar="THREAD", nargs="?")
    remove = "with `migrate`: remove the files of earlier versions that were read back equal"
    vault.add_argument("--remove", action="store_true", help=remove)
    vault.add_argument("--format", choices=["md", "json"], default="md", help="with `export`: the format (default: md)")
    settings = add("settings", "show the settings, or set one")
    settings.add_argument("name", metavar="NAME", nargs="?")
    settings.add_argument("value", metavar="VALUE", nargs="?")
    guard = add("guard", "turn the guard for T3 Code on or off, show its status, or run it in this process")
    guard.add_argument("action", choices=["on", "off", "status", "run"])
    guard.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    guard.add_argument("--interrupt", action="store_true", help="proceed even if this interrupts a running turn in T3 Code")
    guard.add_argument("--at-login", action="store_true", help="with `on`: also start t3tray at login")
    entries = "make this installation an app of the desktop or a command of the shell, or take both away"
    add("app", entries).add_argument("action", choices=["install", "link", "remove"])
    uninstall = add("uninstall", "end and remove what t3tray has on this machine, except the program")
    how = uninstall.add_mutually_exclusive_group(required=True)
    how.add_argument("--dry-run", action="store_true", help="only list what would be removed")
    how.add_argument("--yes", action="store_true", help="remove it")
    uninstall.add_argument("--data", action="store_true", help="also remove t3tray's data and logs")
    add("attach", "verify a thread's session, then open OpenCode in this terminal").add_argument("thread", metavar="THREAD")
    return parser


def _resume_and_send(resume: argparse.ArgumentParser, send: argparse.ArgumentParser) -> None:
    resume.add_argument("thread", metavar="THREAD")
    where = ["terminal", "browser", "t3code", "none"]
    help_open = "then open the thread there; the browser only if the server has no password (default: none)"
    resume.add_argument("--open", choices=where, default="none", help=help_open)
    send.add_argument("thread", metavar="THREAD")
    send.add_argument("text", metavar="TEXT", type=_message)
    send.add_argument(
        "--anyway",
        action="store_true",
        help="send even if another OpenCode process may be using the session, or a pending revert would become final",
    )
    send.add_argument("--no-wait", action="store_true", help="do not wait for the reply")


def _message(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("the message is empty")
    return text


def _session(text: str) -> str:
    number = text.removeprefix(SESSION_PREFIX)
    if number == text or not (number.isascii() and number.isalnum()):
        raise argparse.ArgumentTypeError(f"“{text}” is no session id: expected {SESSION_PREFIX} followed by letters and digits")
    return text


def run(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Run one command and return its exit code. Every error ends here, written as text or as a document."""
    try:
        from t3tray.cli.run import run_command

        try:
            return int(run_command(arguments, out, err))
        except BrokenPipeError:
            redirect_to_null(out)
            return int(ExitCode.DONE)
    except KeyboardInterrupt:
        # Before the signal handlers are installed, and on Windows, which has none.
        return 128 + signal.SIGINT
    except T3TrayError as error:
        return _write_error(error, arguments.json, out, err)
    except Exception as bug:
        say(traceback.format_exc(), err)
        return _write_error(
            OurBug(f"{type(bug).__name__}: {bug}", "No data was lost. Please report it with the lines above."),
            arguments.json,
            out,
            err,
        )


def _write_error(error: T3TrayError, as_document: bool, out: TextIO, err: TextIO) -> int:
    if as_document and not isinstance(error, OutputLost):
        from t3tray.cli.json_documents import error_document

        with suppress(OSError, OutputLost):
            put(as_json(error_document(error), out), out)
    else:
        text = "\n".join(filter(None, (f"{error.title}: {error.message}", error.hint)))
        say(f"{text}\n", err)
    return int(error.exit_code)
