"""The command line: the words, the options and the exit codes. What a command does is in `commands`.

It never imports PySide6, and nothing heavy before the words are understood: `--help` must be quick.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from typing import TextIO

from t3tray import __version__
from t3tray.core.errors import ExitCode, OurBug, T3TrayError


def build_parser() -> argparse.ArgumentParser:
    """All commands. Without one the tray app is meant."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON document on standard output, and nothing else")
    common.add_argument("--data-dir", metavar="DIR", help="where t3tray keeps its data (default: the user's data directory)")
    parser = argparse.ArgumentParser(
        prog="t3tray",
        description="Knows each thread's OpenCode session, and never lets a thread switch to an empty one in silence.",
        epilog="Without a command the tray app starts. THREAD is an id or the beginning of one that fits no other.",
    )
    parser.add_argument("--version", action="version", version=f"t3tray {__version__}")
    parser.add_argument("--data-dir", metavar="DIR", help="where t3tray keeps its data (default: the user's data directory)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def add(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=summary, description=summary, parents=[common])

    add("status", "the server, how many threads can be resumed, where they come from")
    add("threads", "every thread with its verdict").add_argument("--all", action="store_true", help="the archived ones too")
    add("show", "everything known of one thread").add_argument("thread", metavar="THREAD")
    _resume_and_send(
        add("resume", "verify a thread and print the receipt"), add("send", "resume, then prompt and stream the reply")
    )
    new = add("new", "a new thread")
    new.add_argument("--dir", required=True, metavar="DIR", help="the folder it works in")
    new.add_argument("--title", default="", help="what it is called")
    new.add_argument("--prompt", metavar="TEXT", help="the first message")
    new.add_argument("--no-wait", action="store_true", help="do not wait for the reply")
    add("adopt", "a thread for a session that is already there").add_argument("session", metavar="SESSION")
    remedy = add("remedy", "one of the remedies that a verdict offers")
    remedy.add_argument("thread", metavar="THREAD")
    remedy.add_argument("name", metavar="NAME", help="as `show` lists it: retry, bind, release, …")
    remedy.add_argument("--session", metavar="SES", help="the session to bind to")
    remedy.add_argument("--dir", metavar="DIR", help="the folder to use")
    remedy.add_argument("--yes", action="store_true", help="do it without asking")
    add("journal", "the history of the bindings").add_argument("thread", metavar="THREAD", nargs="?")
    add("doctor", "what is wrong, if anything: our data and server, T3 Code's threads, orphans, disks")
    server = add("server", "start, stop, restart, look at the server")
    server.add_argument("action", choices=["start", "stop", "restart", "status", "logs"])
    vault = add("vault", "what was kept of the threads' words")
    vault.add_argument("action", choices=["list", "show", "export"])
    vault.add_argument("thread", metavar="THREAD", nargs="?")
    vault.add_argument("--format", choices=["md", "json"], default="md", help="of an export")
    settings = add("settings", "show the settings, or set one")
    settings.add_argument("name", metavar="NAME", nargs="?")
    settings.add_argument("value", metavar="VALUE", nargs="?")
    attach = commands.add_parser("attach", parents=[common], description="Verify a thread, then open OpenCode in this terminal.")
    attach.add_argument("thread", metavar="THREAD")
    return parser


def _resume_and_send(resume: argparse.ArgumentParser, send: argparse.ArgumentParser) -> None:
    resume.add_argument("thread", metavar="THREAD")
    resume.add_argument("--open", choices=["terminal", "browser", "t3code", "none"], default="none", help="and open it there")
    send.add_argument("thread", metavar="THREAD")
    send.add_argument("text", metavar="TEXT")
    send.add_argument("--anyway", action="store_true", help="even while another OpenCode process may be at work in the session")
    send.add_argument("--no-wait", action="store_true", help="do not wait for the reply")


def run(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Do one command; the exit code. Every error ends here, in words or as a document."""
    from t3tray import commands

    try:
        return int(commands.run(arguments, out, err))
    except T3TrayError as error:
        return _tell(error, arguments, out, err)
    except BrokenPipeError:
        # Whoever read our output had enough; without this the interpreter would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.DONE)
    except Exception as bug:
        traceback.print_exc(file=err)
        return _tell(
            OurBug(f"{type(bug).__name__}: {bug}", "Nothing was lost. The lines above help us to mend it."), arguments, out, err
        )


def _tell(error: T3TrayError, arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    if arguments.json:
        from t3tray.documents import error_document

        json.dump(error_document(error), out, ensure_ascii=False, indent=2)
        out.write("\n")
    else:
        err.write(f"{error.title}: {error.message}\n")
        if error.hint:
            err.write(f"{error.hint}\n")
    return int(error.exit_code)
