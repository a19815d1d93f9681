"""The parts of this installation that are found by their names while it runs, so that a package may lack one unnoticed.

For the diagnostics. None of them is loaded. Blocks for a tenth of a second.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from importlib.util import find_spec

from t3tray.resources import resource


def installed_parts() -> list[str]:
    """Return a line for each kind of part: what is there, and what is not."""
    return [
        _line("icons", [path.stem for path in resource("icons").glob("*.svg")], []),
        _line("languages of syntax highlighting", *_languages()),
        _line("keyring back ends", *_keyring_backends(), is_listed=True),
    ]


def _line(kind: str, found: list[str], missing: list[str], is_listed: bool = False) -> str:
    what = ", ".join(sorted(found)) if is_listed else str(len(found))
    return f"{kind}: {what or 'none'}" + (f" (missing: {', '.join(sorted(missing))})" if missing else "")


def _languages() -> tuple[list[str], list[str]]:
    from pygments.lexers._mapping import LEXERS

    # Many languages share a module.
    modules = {module: _is_there(module) for module, *_ in LEXERS.values()}
    found = [name for name, (module, *_) in LEXERS.items() if modules[module]]
    return found, [module for module, is_found in modules.items() if not is_found]


def _keyring_backends() -> tuple[list[str], list[str]]:
    # Loading that of macOS on Linux would run a compiler, which looks for the library.
    backends = {entry.name: _is_there(entry.module) for entry in entry_points(group="keyring.backends")}
    return [name for name, is_found in backends.items() if is_found], [
        name for name, is_found in backends.items() if not is_found
    ]


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except Exception:
        # Its package is missing, or fails when it is imported: that of another distribution's back end may do anything.
        return False
