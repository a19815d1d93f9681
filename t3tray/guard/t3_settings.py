"""T3 Code's settings: points its OpenCode servers at the guard, and restores what was there.

The file is copied into our own directory, readable by the user only, before it is changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

import msgspec

from t3tray.errors import Refused, StoreError
from t3tray.t3code.home import T3Home, may_be_there
from t3tray.t3code.json_edit import Settings
from t3tray.t3code.settings_file import PRIVATE, Content, SettingsFile, write_new

_DRIVER = "opencode"
_URL, _PASSWORD = "serverUrl", "serverPassword"
# What T3 Code would start itself; with an address it starts nothing, and a change of it makes it take the provider up anew.
_PROGRAM = "binaryPath"
# Between the parts of a path where it is kept: no name in the settings holds it.
_SEPARATOR = "\n"


class Protection(StrEnum):
    """What T3 Code's settings lead to."""

    GUARDED = "guarded"
    NOT_GUARDED = "not-guarded"
    CHANGED = "changed-elsewhere"
    NO_T3CODE = "no-t3code"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Place:
    """Where in the settings an OpenCode server is named. `server` is its address, empty where T3 Code starts its own."""

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
class _Kept:
    """What was changed, as it is kept: the copy's name (None where there was no file), what was written, and the old values.

    `mode` is who could read the file before; None where that is not known, and it stays as it is. `programs` are what
    `binaryPath` was, and what it was put to, by the place.
    """

    copy: str | None
    url: str
    written: str
    before: dict[str, dict[str, object]] = field(repr=False)
    made: tuple[str, ...] = ()
    mode: int | None = None
    programs: dict[str, _Program] = field(default_factory=dict)


@dataclass(frozen=True)
class _Program:
    """`before` is empty where nothing was named, `ours` all that was written."""

    before: dict[str, object]
    ours: tuple[str, ...]


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
    """The settings of one home. `folder` is ours; the copies and what has to be undone lie in it."""

    def __init__(self, home: T3Home, folder: Path, now: Callable[[], datetime]) -> None:
        self.home = home
        self._file = SettingsFile(settings_path(home))
        name = hashlib.sha256(os.fsencode(home.base)).hexdigest()[:12]
        self._folder = folder
        self._record = folder / f"{name}.json"
        self._copy_name = f"{name}.settings.json"
        self._now = now

    def look(self, url: str, password: str) -> ProtectionView:
        """Return whether the settings lead to the guard at this address."""
        if not may_be_there(self.home.state):
            return self._view(Protection.NO_T3CODE, "There is no T3 Code here.")
        try:
            content, kept = self._file.read(), self._kept()
        except (Refused, StoreError) as error:
            return self._view(Protection.UNREADABLE, error.message)
        configs = _configs(content.settings)
        ours = [config for config in configs if _is_ours(config, url, password)]
        places = tuple(Place(config.name, _shown(config)) for config in configs)
        if len(ours) == len(configs):
            return self._view(Protection.GUARDED, "T3 Code's OpenCode threads go through the guard.", places)
        if kept is None and not ours:
            return self._view(Protection.NOT_GUARDED, "T3 Code goes to OpenCode without the guard.", places)
        others = ", ".join(place.name for place, config in zip(places, configs, strict=True) if config not in ours)
        said = f"T3 Code's settings were changed elsewhere: {others} does not lead to the guard any more."
        return self._view(Protection.CHANGED, said, places)

    def protect(self, url: str, password: str, instead_of: str = "") -> ProtectionView:
        """Point every OpenCode server in the settings at the guard. Raises Refused, StoreError; nothing was changed then.

        `instead_of` is an address that the guard had before: it is no word of the user's, and not put back at the end.
        """
        if not may_be_there(self.home.state):
            raise Refused(f"There is no T3 Code in {self.home.base}.")
        content, earlier = self._file.read(), self._kept()
        others = [config for config in _configs(content.settings) if not _is_ours(config, url, password)]
        if not others:
            return self.look(url, password)
        ours = {instead_of, earlier.url if earlier else ""} - {""}
        theirs = [config for config in others if config.values.get(_URL) not in ours]
        before = {_SEPARATOR.join(config.path): _named(config.values) for config in theirs}
        settings = deepcopy(content.settings)
        made = _make_room(settings)
        for config in _configs(settings):
            config.values.update({_URL: url, _PASSWORD: password})
        if earlier is None:
            kept = _Kept(self._copy(content), url, "", before, made, self._file.mode)
        else:
            merged = {**earlier.before, **before}
            kept = replace(earlier, url=url, written="", before=merged, made=(*earlier.made, *made))
        # Written ahead: whatever is cut off here can be undone.
        self._keep(kept)
        after = self._file.write(content, settings, PRIVATE)
        if earlier is None:
            self._keep(replace(kept, written=_fingerprint(after.text)))
        return self.look(url, password)

    def unprotect(self, url: str, password: str) -> ProtectionView:
        """Restore the settings as far as they are still ours. Raises Refused, StoreError."""
        content, kept = self._file.read(), self._kept()
        if kept is None and not url:
            return self.look(url, password)
        if kept is not None and _fingerprint(content.text) == kept.written:
            self._file.restore(content, self._copied(kept), kept.mode)
        else:
            settings = deepcopy(content.settings)
            _put_back(settings, kept or _Kept(None, url, "", {}))
            if settings != content.settings:
                self._file.write(content, settings, kept.mode if kept else None)
        self._record.unlink(missing_ok=True)
        return self.look(url, password)

    def respell_program(self, url: str, password: str, program: Path) -> None:
        """Have T3 Code take its OpenCode provider up anew, for which it lets go of all sessions: the program, which it does not
        start, is named by another path. Nothing else changes, and `unprotect` puts it back. Raises Refused, StoreError.
        """
        content, kept = self._file.read(), self._kept()
        if kept is None or not all(_is_ours(config, url, password) for config in _configs(content.settings)):
            raise Refused("T3 Code's settings do not lead to the guard.")
        settings, programs = deepcopy(content.settings), dict(kept.programs)
        for config in _configs(settings):
            path, now = _SEPARATOR.join(config.path), config.values.get(_PROGRAM)
            known = programs.get(path)
            if known is None or now not in known.ours:
                known = _Program({_PROGRAM: now} if _PROGRAM in config.values else {}, ())
            config.values[_PROGRAM] = respelled = _respelled(now, program)
            programs[path] = replace(known, ours=tuple(dict.fromkeys((*known.ours, respelled))))
        was_written = _fingerprint(content.text) == kept.written
        kept = replace(kept, programs=programs)
        self._keep(replace(kept, written=""))
        after = self._file.write(content, settings, PRIVATE)
        if was_written:
            self._keep(replace(kept, written=_fingerprint(after.text)))

    def keep_private(self) -> None:
        """Let nobody else read the guard's password: T3 Code may have written its file anew."""
        self._file.keep_private()

    def _view(self, state: Protection, sentence: str, places: tuple[Place, ...] = ()) -> ProtectionView:
        return ProtectionView(self.home.base, state, sentence, places)

    def _kept(self) -> _Kept | None:
        try:
            # Not by msgspec's own reader: half of a surrogate pair may stand in the user's words, and comes back as it was.
            return msgspec.convert(json.loads(self._record.read_bytes()), _Kept)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, msgspec.ValidationError):
            raise StoreError(
                f"What t3tray changed in T3 Code's settings is kept in {self._record}, and cannot be read."
            ) from None

    def _keep(self, kept: _Kept) -> None:
        part = self._record.with_suffix(".part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            write_new(part, json.dumps(asdict(kept)))
            part.replace(self._record)
        except OSError as error:
            raise StoreError(f"What is about to be changed could not be recorded in {self._record}: {error.strerror}.") from None

    def _copy(self, content: Content) -> str | None:
        """A copy of the file as it is, for good; its name."""
        if content.text is None:
            return None
        name = f"{self._copy_name}.{self._now():%Y%m%dT%H%M%S}.{token_hex(4)}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_new(self._folder / name, content.text)
        except OSError as error:
            raise StoreError(f"T3 Code's settings could not be copied to {self._folder}: {error.strerror}.") from None
        return name

    def _copied(self, kept: _Kept) -> str | None:
        if kept.copy is None:
            return None
        try:
            with (self._folder / kept.copy).open(encoding="utf-8", newline="") as file:
                return file.read()
        except (OSError, UnicodeDecodeError):
            raise StoreError(f"The copy of T3 Code's settings in {self._folder / kept.copy} cannot be read.") from None


def _configs(settings: Settings) -> list[_Config]:
    """Every OpenCode server that T3 Code would use. An instance called `opencode` wins over the provider of that name."""
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
    """The objects that `_configs` names, made where they are not there; the paths of those, outermost first. Raises Refused."""
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
                raise Refused(f"{where} in T3 Code's settings is of a form that t3tray does not know.", "Nothing was changed.")
            at = inner
    return tuple(made)


def _put_back(settings: Settings, kept: _Kept) -> None:
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
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _fingerprint(text: str | None) -> str:
    return hashlib.sha256((text or "").encode()).hexdigest()
