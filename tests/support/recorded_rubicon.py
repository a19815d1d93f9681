"""A stand-in for rubicon-objc on any system: it records the messages that objects of AppKit and Foundation are sent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import pytest

from t3tray.system.appkit import AppKit, app_kit

# Objects that are properties of their classes, by the class.
SHARED = {"NSApplication": "sharedApplication", "NSProcessInfo": "processInfo"}


class RecordedObject:
    """An object, or a class, of Objective-C. A message to it is a method call, whose result is an object too."""

    def __init__(self, rubicon: RecordedRubicon, name: str) -> None:
        self._rubicon = rubicon
        self._name = name

    def __repr__(self) -> str:
        return self._name

    def declare_class_property(self, name: str) -> None:
        """As of rubicon: from now on the name is a property, no method."""
        assert SHARED[self._name] == name
        self._rubicon.declared.add(self._name)

    def __getattr__(self, name: str) -> object:
        if SHARED.get(self._name) == name:
            assert self._name in self._rubicon.declared
            return RecordedObject(self._rubicon, name)

        def send(*arguments: object, **named: object) -> RecordedObject:
            self._rubicon.sent.append((self._name, name, *arguments, *named.values()))
            for argument in arguments:
                if isinstance(argument, RecordedBlock):
                    argument.call(SimpleNamespace(authorizationStatus=self._rubicon.status))
            return RecordedObject(self._rubicon, f"result of {name}")

        return send


class RecordedBlock:
    """A block: a Python function that Objective-C calls."""

    def __init__(self, call: Callable[[object], None], *types: object) -> None:
        assert types == (None, "id"), "what it returns and takes cannot be read from its annotations"
        self.call = call


class RecordedRubicon:
    """`sent` are the messages: receiver, name, arguments. `status` is the notification centre's UNAuthorizationStatus."""

    def __init__(self) -> None:
        self.sent: list[tuple[object, ...]] = []
        self.declared: set[str] = set()
        self.status = 2

    @property
    def policies(self) -> list[object]:
        return [message[2] for message in self.sent if message[1] == "setActivationPolicy"]


@contextmanager
def on_macos(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedRubicon]:
    """Let `app_kit` return that of macOS, which speaks to the stand-in."""
    rubicon = RecordedRubicon()
    objc, runtime = ModuleType("rubicon.objc"), ModuleType("rubicon.objc.runtime")
    vars(objc).update(ObjCClass=lambda name: RecordedObject(rubicon, name), ObjCInstance=lambda found: found, Block=RecordedBlock)
    vars(runtime).update(objc_id="id")
    for module in (ModuleType("rubicon"), objc, runtime):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "platform", "darwin")
    app_kit.cache_clear()
    assert type(app_kit()) is not AppKit
    yield rubicon
    app_kit.cache_clear()
