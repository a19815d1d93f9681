"""T3 Code's settings: points its OpenCode servers at the guard, and restores what was there.

The file is copied into our own directory, readable by the user only, before it is changed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

from t3tray.errors import Refused, StoreError
from t3tray.guard.change_record import ChangeRecord, ProgramChange, SettingsChange
from t3tray.messages.protection import GUARDED, NO_T3CODE_HERE, NOT_GUARDED, changed_elsewhere
from t3tray.t3code.home import T3Home, may_be_there
from t3tray.t3code.json_edit import Settings
from t3tray.t3code.settings_file import PRIVATE, Content, SettingsFile, write_new

_DRIVER = "opencode"
_URL, _PASSWORD = "serverUrl", "serverPassword"
# The program that T3 Code would start; with a server's address it starts none, but a change of it makes it restart the provider.
_PROGRAM = "binaryPath"
# Separator of the parts of a stored path; no name in the settings contains it.
_SEPARATOR = "\n"
_NAME_LENGTH = 12


class Protection(StrEnum):
    """Whether T3 Code's settings name the guard."""

    GUARDED = "guarded"
    NOT_GUARDED = "not-guarded"
    CHANGED = "changed-elsewhere"
    NO_T3CODE = "no-t3code"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Place:
    """A place in the settings that names an OpenCode server. `server` is its address, empty where T3 Code starts its own."""

    name: str
    server: str


@dataclass(frozen=True)
class ProtectionView:
    """The state of one home, with a sentence for people. Contains no password."""

    home: Path
    state: Protection
    sentence: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class _Config:
    """The object that holds a server's address, by the path that leads to it."""

    path: tuple[str, ...]
    values: dict[str, object] = field(repr=False)

    @property
    def name(self) -> str:
        return ".".join(self.path)


def settings_path(home: T3Home) -> Path:
    """Return the settings file of a home."""
    return home.state / "settings.json"


class T3Protection:
    """The settings of one home. `folder` is ours, for the copies and the record of changes to undo."""

    def __init__(self, home: T3Home, folder: Path, now: Callable[[], datetime]) -> None:
        self.home = home
        self._file = SettingsFile(settings_path(home))
        name = _name_of(home)
        self._folder = folder
        self._record = ChangeRecord(folder / f"{name}.json")
        self._copy_name = f"{name}.settings.json"
        self._now = now

    def view(self, url: str, password: str) -> ProtectionView:
        """Return whether the settings name the guard at this address."""
        if not may_be_there(self.home.state):
            return self._view(Protection.NO_T3CODE, NO_T3CODE_HERE)
        try:
            content, kept = self._file.read(), self._record.read()
        except (Refused, StoreError) as error:
            return self._view(Protection.UNREADABLE, error.message)
        configs = _configs(content.settings)
        ours = [config for config in configs if _is_ours(config, url, password)]
        places = tuple(Place(config.name, _shown(config)) for config in configs)
        if len(ours) == len(configs):
            return self._view(Protection.GUARDED, GUARDED, places)
        if kept is None and not ours:
            return self._view(Protection.NOT_GUARDED, NOT_GUARDED, places)
        others = [place.name for place, config in zip(places, configs, strict=True) if config not in ours]
        return self._view(Protection.CHANGED, changed_elsewhere(others), places)

    def protect(self, url: str, password: str, instead_of: str = "") -> ProtectionView:
        """Point every OpenCode server in the settings at the guard. Raises Refused, StoreError with nothing changed.

        `instead_of` is a former address of the guard: it is not the user's own value, so it is not restored at the end.
        """
        if not may_be_there(self.home.state):
            raise Refused(f"There is no T3 Code in {self.home.base}.")
        content, earlier = self._file.read(), self._record.read()
        others = [config for config in _configs(content.settings) if not _is_ours(config, url, password)]
        if not others:
            return self.view(url, password)
        ours = {instead_of, earlier.url if earlier else ""} - {""}
        theirs = [config for config in others if config.values.get(_URL) not in ours]
        before = {_SEPARATOR.join(config.path): _named(config.values) for config in theirs}
        settings = deepcopy(content.settings)
        made = _make_room(settings)
        for config in _configs(settings):
            config.values.update({_URL: url, _PASSWORD: password})
        if earlier is None:
            kept = SettingsChange(self._copy(content), url, "", before, made, self._file.mode)
        else:
            merged = {**earlier.before, **before}
            kept = replace(earlier, url=url, written="", before=merged, made=(*earlier.made, *made))
        # Written ahead, so that an interrupted change can be undone.
        self._record.write(kept)
        after = self._file.write(content, settings, PRIVATE)
        if earlier is None:
            self._record.write(replace(kept, written=_fingerprint(after.text)))
        return self.view(url, password)

    def unprotect(self, url: str, password: str) -> ProtectionView:
        """Restore the settings as far as they are still ours. Raises Refused, StoreError."""
        content, kept = self._file.read(), self._record.read()
        if kept is None and not url:
            return self.view(url, password)
        if kept is not None and _fingerprint(content.text) == kept.written:
            self._file.restore(content, self._copied(kept), kept.mode)
        else:
            settings = deepcopy(content.settings)
            _put_back(settings, kept or SettingsChange(None, url, "", {}))
            if settings != content.settings:
                self._file.write(content, settings, kept.mode if kept else None)
        self._record.remove()
        return self.view(url, password)

    def respell_program(self, url: str, password: str, program: Path) -> None:
        """Make T3 Code restart its OpenCode provider, for which it releases all sessions, by writing another path of the same
        program, which it does not start. Nothing else changes, and `unprotect` restores it. Raises Refused, StoreError.
        """
        content, kept = self._file.read(), self._record.read()
        if kept is None or not all(_is_ours(config, url, password) for config in _configs(content.settings)):
            raise Refused("T3 Code's settings do not name the guard.")
        settings, programs = deepcopy(content.settings), dict(kept.programs)
        for config in _configs(settings):
            path, now = _SEPARATOR.join(config.path), config.values.get(_PROGRAM)
            known = programs.get(path)
            if known is None or now not in known.ours:
                known = ProgramChange({_PROGRAM: now} if _PROGRAM in config.values else {}, ())
            config.values[_PROGRAM] = respelled = _respelled(now, program)
            programs[path] = replace(known, ours=tuple(dict.fromkeys((*known.ours, respelled))))
        was_written = _fingerprint(content.text) == kept.written
        kept = replace(kept, programs=programs)
        self._record.write(replace(kept, written=""))
        after = self._file.write(content, settings, PRIVATE)
        if was_written:
            self._record.write(replace(kept, written=_fingerprint(after.text)))

    def make_private(self) -> None:
        """Make the file readable for the user only: T3 Code may have rewritten it."""
        self._file.make_private()

    def _view(self, state: Protection, sentence: str, places: tuple[Place, ...] = ()) -> ProtectionView:
        return ProtectionView(self.home.base, state, sentence, places)

    def _copy(self, content: Content) -> str | None:
        """Make a permanent copy of the file, and return its name."""
        if content.text is None:
            return None
        name = f"{self._copy_name}.{self._now():%Y%m%dT%H%M%S}.{token_hex(4)}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_new(self._folder / name, content.text)
        except OSError as error:
            raise StoreError(f"T3 Code's settings could not be copied to {self._folder}: {error.strerror}.") from None
        return name

    def _copied(self, kept: SettingsChange) -> str | None:
        if kept.copy is None:
            return None
        try:
            with (self._folder / kept.copy).open(encoding="utf-8", newline="") as file:
                return file.read()
        except (OSError, UnicodeDecodeError):
            raise StoreError(f"The copy of T3 Code's settings in {self._folder / kept.copy} cannot be read.") from None


def strange_records(folder: Path, homes: Iterable[T3Home]) -> list[Path]:
    """Return the records of changes that are not undone, in homes that are not among these."""
    known = {_name_of(home) for home in homes}
    return [path for path in folder.glob("[0-9a-f]*.json") if len(path.stem) == _NAME_LENGTH and path.stem not in known]


def _name_of(home: T3Home) -> str:
    return hashlib.sha256(os.fsencode(home.base)).hexdigest()[:_NAME_LENGTH]


def _configs(settings: Settings) -> list[_Config]:
    """Return every OpenCode server that T3 Code would use. An instance called `opencode` replaces the provider of that name."""
    names = _instances(settings)
    paths: list[tuple[str, ...]] = [("providerInstances", name, "config") for name in names]
    if _DRIVER not in names:
        paths.append(("providers", _DRIVER))
    found = [(path, _inner(settings, *path)) for path in paths]
    return [_Config(path, {} if values is None else values) for path, values in found]


def _instances(settings: Settings) -> list[str]:
    instances = _inner(settings, "providerInstances") or {}
    return [name for name, instance in instances.items() if isinstance(instance, dict) and instance.get("driver") == _DRIVER]


def _inner(settings: Settings, *path: str) -> Settings | None:
    at: object = settings
    for name in path:
        at = at.get(name) if isinstance(at, dict) else None
    return at if isinstance(at, dict) else None


def _make_room(settings: Settings) -> tuple[str, ...]:
    """Create the missing objects named by `_configs`, and return their paths, outermost first. Raises Refused."""
    made: list[str] = []
    for config in _configs(settings):
        at = settings
        for depth, name in enumerate(config.path, 1):
            inner = at.setdefault(name, None)
            if inner is None:
                inner = at[name] = {}
                made.append(_SEPARATOR.join(config.path[:depth]))
            if not isinstance(inner, dict):
                where = ".".join(config.path[:depth])
                raise Refused(f"{where} in T3 Code's settings has an unknown format.", "Nothing was changed.")
            at = inner
    return tuple(made)


def _put_back(settings: Settings, kept: SettingsChange) -> None:
    for config in _configs(settings):
        if config.values.get(_URL) == kept.url:
            before = kept.before.get(_SEPARATOR.join(config.path), {})
            for name in (_URL, _PASSWORD):
                config.values.pop(name, None)
            config.values.update(before)
        program = kept.programs.get(_SEPARATOR.join(config.path))
        if program and config.values.get(_PROGRAM) in program.ours:
            del config.values[_PROGRAM]
            config.values.update(program.before)
    for path in reversed(kept.made):
        *outer, name = path.split(_SEPARATOR)
        holder = _inner(settings, *outer) if outer else settings
        if holder is not None and holder.get(name) == {}:
            del holder[name]


def _named(values: Settings) -> dict[str, object]:
    return {name: values[name] for name in (_URL, _PASSWORD) if name in values}


def _is_ours(config: _Config, url: str, password: str) -> bool:
    return bool(url) and config.values.get(_URL) == url and config.values.get(_PASSWORD) == password


def _respelled(now: object, program: Path) -> str:
    """Return another path of the same program than the one that is named now."""
    named = now if isinstance(now, str) and Path(now).is_absolute() else str(program)
    if named != now:
        return named
    # Not by pathlib, which would leave out the ".".
    folder, name = os.path.split(named)
    above, last = os.path.split(folder)
    return os.path.join(above, name) if last == "." else os.path.join(folder, ".", name)  # noqa: PTH118


def _shown(config: _Config) -> str:
    """Return the address without user name, password, query and fragment."""
    value = config.values.get(_URL)
    if not isinstance(value, str) or not value:
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return "an invalid address"
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _fingerprint(text: str | None) -> str:
    return hashlib.sha256((text or "").encode()).hexdigest()
