"""Storage of secrets (the managed server's password and others): the system's keyring, or a private file where there is none.

A secret exists, does not exist, or its place is unavailable; the three are always distinguished. A locked keyring may block
forever, so it is called in a daemon thread with a limit; such a thread does not delay the process's exit.

All secrets of a data folder are one item of the keyring, with the folder's path as account: macOS may ask the user for each item.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from secrets import token_hex
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from t3tray.errors import OurBug, StoreError
from t3tray.messages.desktop import KEYRINGS
from t3tray.system.instance_lock import InstanceLock
from t3tray.system.known_secrets import remember
from t3tray.system.paths import real_path

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

# Names of the files of ours in the folder `secrets`: the user may have named a data folder with one of his own.
SECRET_FILE = re.compile(r"(guard|attached-server|server(-.*)?)(\.[0-9a-f]{8}\.part)?")
KEYRING = "keyring"
FILE = "file"
_SERVICE = "t3tray"
# Held while the keyring's item is changed: two processes that change it at once would lose one of the changes.
LOCK_FILE = "keyring.lock"
# In seconds: the interval of tries to take that lock.
_TRY_AGAIN = 0.02
T = TypeVar("T")


class _Unavailable(Exception):
    """Raised when there is no keyring, or a call failed. The text is a clause for people."""


class _NoKeyring(_Unavailable):
    """Raised when there is no keyring."""


class _Answer(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value


class Secrets:
    """Secrets of one data folder. Blocks for at most `limit` seconds: call it in worker threads."""

    def __init__(self, directory: Path, limit: float = 3.0) -> None:
        self._folder = directory / "secrets"
        self._limit = limit
        self._item = _KeyringItem(directory, limit)

    def keyring_name(self) -> str:
        """Return the keyring's name for people; empty where there is none. Does not open it, so no unlock dialog appears."""
        try:
            return self._ask(_name_of)
        except _Unavailable:
            return ""

    def store(self, name: str, value: str) -> str:
        """Store a secret and return its place: "keyring", or "file" where no keyring returns it afterwards.

        Raises StoreError when the file could not be written either.
        """
        remember(value)
        try:
            in_keyring = self._ask(lambda keyring: self._item.store(keyring, name, value))
        except _Unavailable:
            in_keyring = False
        if not in_keyring:
            self._write(name, value)
        return KEYRING if in_keyring else FILE

    def read(self, name: str, place: str) -> str | None:
        """Return the secret, or None when it does not exist. Raises StoreError when its place is unavailable."""
        found = self._read(name, place)
        remember(found)
        return found

    def _read(self, name: str, place: str) -> str | None:
        if _is_keyring(place):
            return self._ask_or_raise(lambda keyring: self._item.read(keyring, name))
        try:
            return self._path(name).read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise StoreError(f"The file with the server's password cannot be read: {why}.") from error

    def forget(self, name: str, place: str) -> None:
        """Remove the secret if it exists. Raises StoreError when its place is unavailable."""
        if _is_keyring(place):
            self._ask_or_raise(lambda keyring: self._item.forget(keyring, name))
            return
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"The file with the server's password cannot be removed: {error}.") from error

    def places(self, in_keyring: Collection[str]) -> tuple[str, ...]:
        """Return for people where secrets of this folder are: the keyring, the folder of the files. Nothing is removed.

        `in_keyring` are the names of those that were stored in the keyring. Raises StoreError when the keyring is unavailable;
        when there is none, only if there are such.
        """
        found = []
        try:
            if self._ask(lambda keyring: self._item.exists(keyring, in_keyring)):
                found.append(self.keyring_name())
        except _NoKeyring as error:
            if in_keyring:
                raise _locked(error) from error
        except _Unavailable as error:
            raise _locked(error) from error
        if self._files():
            found.append(str(self._folder))
        return tuple(found)

    def forget_all(self) -> None:
        """Remove all secrets of this folder. Raises StoreError."""
        try:
            self._ask(self._item.remove)
        except _NoKeyring:
            pass
        except _Unavailable as error:
            raise _locked(error) from error
        try:
            for path in self._files():
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"The files with t3tray's passwords cannot be removed: {error}.") from error

    def _ask_or_raise(self, question: Callable[[KeyringBackend], T]) -> T:
        try:
            return self._ask(question)
        except _Unavailable as error:
            raise _locked(error) from error

    def _ask(self, question: Callable[[KeyringBackend], T]) -> T:
        answers: SimpleQueue[_Answer[T] | Exception] = SimpleQueue()

        def work() -> None:
            try:
                answers.put(_Answer(question(_keyring())))
            except Exception as error:
                answers.put(error)

        Thread(target=work, name="keyring", daemon=True).start()
        try:
            answer = answers.get(timeout=self._limit)
        except Empty:
            raise _Unavailable(f"it did not respond within {self._limit:g} seconds") from None
        if isinstance(answer, _Answer):
            return answer.value
        if isinstance(answer, _Unavailable):
            raise answer
        # Backends raise errors of D-Bus and of the system without a common base class.
        raise _Unavailable(f"it failed ({type(answer).__name__}: {answer})") from answer

    def _files(self) -> list[Path]:
        found = self._folder.iterdir() if self._folder.is_dir() else ()
        return [path for path in found if SECRET_FILE.fullmatch(path.name)]

    def _path(self, name: str) -> Path:
        if Path(name).name != name:
            raise OurBug(f"“{name}” cannot be the name of a secret.")
        return self._folder / name

    def _write(self, name: str, value: str) -> None:
        path = self._path(name)
        part = path.with_name(f"{name}.{token_hex(4)}.part")
        try:
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._folder.chmod(0o700)
            try:
                with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
                    file.write(value)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
            except OSError:
                with suppress(OSError):
                    part.unlink()
                raise
        except OSError as error:
            raise StoreError(f"The server's password could not be stored in a file: {error}.") from error


class _KeyringItem:
    """The keyring's item of one data folder: a JSON object of its secrets by their names. Raises what the backend raises.

    Earlier versions stored an item for each secret, whose account is the secret's name. These are still read and removed.
    """

    def __init__(self, directory: Path, limit: float) -> None:
        self._directory = directory
        self._limit = limit

    def store(self, keyring: KeyringBackend, name: str, value: str) -> bool:
        """Store a secret, and return whether the keyring returns it afterwards."""
        with self._alone():
            before, is_stored = self._values(keyring), False
            try:
                self._write(keyring, before | {name: value})
                is_stored = self._values(keyring).get(name) == value
            finally:
                # Too long for this keyring, for example. The other secrets must not be lost with this one.
                if before and not is_stored:
                    with suppress(Exception):
                        self._write(keyring, before)
            return is_stored

    def read(self, keyring: KeyringBackend, name: str) -> str | None:
        found = self._find(keyring, name)
        if found is None:
            # macOS's backend replaces an item by removing it first, so for a moment none of its secrets is there.
            with self._alone():
                found = self._find(keyring, name)
        return found

    def forget(self, keyring: KeyringBackend, name: str) -> None:
        with self._alone():
            values = self._values(keyring)
            if values.pop(name, None) is not None:
                self._write(keyring, values)
            elif keyring.get_password(_SERVICE, name) is not None:
                keyring.delete_password(_SERVICE, name)

    def exists(self, keyring: KeyringBackend, earlier: Collection[str] = ()) -> bool:
        """`earlier` are names of secrets that may be in items of an earlier version."""
        return any(keyring.get_password(_SERVICE, account) is not None for account in (self._account, *earlier))

    def remove(self, keyring: KeyringBackend) -> None:
        with self._alone():
            if self.exists(keyring):
                keyring.delete_password(_SERVICE, self._account)

    def _find(self, keyring: KeyringBackend, name: str) -> str | None:
        found = self._values(keyring).get(name)
        return keyring.get_password(_SERVICE, name) if found is None else found

    def _values(self, keyring: KeyringBackend) -> dict[str, str]:
        try:
            values = json.loads(keyring.get_password(_SERVICE, self._account) or "{}")
        except ValueError:
            return {}
        return {name: value for name, value in values.items() if isinstance(value, str)} if isinstance(values, dict) else {}

    def _write(self, keyring: KeyringBackend, values: dict[str, str]) -> None:
        if values:
            keyring.set_password(_SERVICE, self._account, json.dumps(values))
        else:
            keyring.delete_password(_SERVICE, self._account)

    @property
    def _account(self) -> str:
        # Keyrings take valid Unicode only.
        return os.fsencode(real_path(self._directory)).decode("utf-8", "backslashreplace")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock, until = InstanceLock(self._directory, LOCK_FILE), time.monotonic() + self._limit
        while not lock.take():
            if time.monotonic() > until:
                raise _Unavailable("another t3tray has been changing it for some seconds")
            time.sleep(_TRY_AGAIN)
        try:
            yield
        finally:
            lock.release()


def _locked(error: _Unavailable) -> StoreError:
    return StoreError(f"The server's password is in the keyring, but {error}.", "Unlock it and try again.")


def _is_keyring(place: str) -> bool:
    if place not in (KEYRING, FILE):
        raise OurBug(f"“{place}” is no place for secrets.")
    return place == KEYRING


def _keyring() -> KeyringBackend:
    import keyring
    from keyring.backends import fail, null

    found = keyring.get_keyring()
    if isinstance(found, fail.Keyring | null.Keyring):
        raise _NoKeyring("this session has no keyring")
    return found


def _name_of(keyring: KeyringBackend) -> str:
    kind = type(keyring)
    return KEYRINGS.get(kind.__module__.rpartition(".")[2], kind.__module__)
