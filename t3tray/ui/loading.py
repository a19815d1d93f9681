"""Qt, without the `import` that it puts in the place of Python's. Whoever starts the app imports this before anything else of Qt.

PySide6's own reads the source of every module that is imported from then on, and keeps it, to find out whether the module uses
`from __feature__ import …`: 100 ms and 5 MB at each start. Nothing of ours does.
"""

from __future__ import annotations

import builtins
import linecache

_pythons_own = builtins.__import__

import PySide6.QtCore  # noqa: E402, F401

builtins.__import__ = _pythons_own
linecache.clearcache()
