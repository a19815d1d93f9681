"""The one entry point: the tray app without a command, else the command line."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def main() -> int:
    """Run t3tray with the arguments of this process; the exit code."""
    # httpx comes with a command of its own, which would load click and Pygments at each start: 2 MB, and others need both.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    if len(sys.argv) == 1:
        # The usual start: the icon does not wait for a parser.
        from t3tray import app

        return app.run(None)
    from t3tray import cli

    # Who closed one of them wants to read nothing there; what is written has to go somewhere all the same.
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    arguments = cli.parse(sys.argv[1:], sys.stdout, sys.stderr)
    if arguments.command is not None:
        return cli.run(arguments, sys.stdout, sys.stderr)
    from t3tray import app

    if arguments.demo:
        return app.run_demo()
    return app.run(arguments.data_dir)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
