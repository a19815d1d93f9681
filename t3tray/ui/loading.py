"""Imports Qt and undoes its replacement of `builtins.__import__`. Must be imported before anything else of PySide6.

PySide6's `__import__` reads and caches the source of every module that is imported afterwards, to see whether it uses
`from __feature__ import …`. That costs 100 ms and 5 MB at each start, and no module of ours uses it.
"""

from __future__ import annotations

import builtins
import linecache

_python_import = builtins.__import__

import PySide6.QtCore  # noqa: E402, F401

builtins.__import__ = _python_import
linecache.clearcache()
