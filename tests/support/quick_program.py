"""t3tray with an idle clock that runs 2,000 times as fast, so that half an hour takes a second.

Run as `python -m tests.support.quick_program FILE WORD…`: fast as soon as FILE exists.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from unittest.mock import patch

from t3tray import __main__ as t3tray
from t3tray.backend import parts
from t3tray.threads.idle_shutdown import IdleShutdown

FASTER = 2_000


def main() -> int:
    gate = Path(sys.argv.pop(1))

    def steady() -> float:
        return time.monotonic() * (FASTER if gate.exists() else 1)

    with patch.object(parts, IdleShutdown.__name__, partial(IdleShutdown, steady=steady)):
        return t3tray.main()


if __name__ == "__main__":
    sys.exit(main())
