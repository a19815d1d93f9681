"""Errors of a turn in OpenCode's messages and events, as sentences for people."""

from __future__ import annotations

import re

from msgspec import Struct

from t3tray.messages.opencode import NO_REASON, WORDS_OF_ERROR, only_name

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERROR_NAME = re.compile(r"^(?:[\w./]*Error: )+")
_NAME_ALONE = re.compile(r"(?:[\w.]*/)*([\w.]*Error):?")
_CAUSE = "[cause]: "


class _ErrorData(Struct, frozen=True):
    message: str = ""


class MessageError(Struct, frozen=True):
    name: str = ""
    data: _ErrorData = _ErrorData()

    @property
    def is_stop(self) -> bool:
        """Whether the turn was stopped on request."""
        return self.name == "MessageAbortedError"

    @property
    def words(self) -> str:
        """OpenCode's message in one line: the innermost cause, without the error's name and the stack trace."""
        lines = [line.strip() for line in _COLOUR.sub("", self.data.message).splitlines() if line.strip()]
        causes = [line.removeprefix(_CAUSE) for line in lines if line.startswith(_CAUSE)]
        line = (causes or lines or [""])[0 if not causes else -1]
        words = _ERROR_NAME.sub("", line.removesuffix("{").strip())
        alone = _NAME_ALONE.fullmatch(words)
        return WORDS_OF_ERROR.get(alone[1], only_name(alone[1])) if alone else words

    def sentence(self) -> str:
        return self.words or self.name or NO_REASON
