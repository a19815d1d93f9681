"""What went wrong in a turn, as a message or an event of OpenCode tells it, in words for people."""

from __future__ import annotations

import re

from msgspec import Struct

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERROR_NAME = re.compile(r"^(?:[\w./]*Error: )+")
_NAME_ALONE = re.compile(r"(?:[\w.]*/)*([\w.]*Error):?")
_CAUSE = "[cause]: "
# 1.15 names these and adds no words; the words are those of 1.17.
_WORDS_OF = {
    "ProviderNoProvidersError": "No providers are available",
    "ProviderNoModelsError": "No models are available for the provider",
}


class _ErrorData(Struct, frozen=True):
    message: str = ""


class MessageError(Struct, frozen=True):
    name: str = ""
    data: _ErrorData = _ErrorData()

    @property
    def is_stop(self) -> bool:
        """The turn was ended on somebody's word."""
        return self.name == "MessageAbortedError"

    @property
    def words(self) -> str:
        """What OpenCode says of it, in one line: the innermost cause, without the error's name and the stack that it adds."""
        lines = [line.strip() for line in _COLOUR.sub("", self.data.message).splitlines() if line.strip()]
        causes = [line.removeprefix(_CAUSE) for line in lines if line.startswith(_CAUSE)]
        said = (causes or lines or [""])[0 if not causes else -1]
        words = _ERROR_NAME.sub("", said.removesuffix("{").strip())
        alone = _NAME_ALONE.fullmatch(words)
        return _WORDS_OF.get(alone[1], f"OpenCode said no more than {alone[1]}") if alone else words

    def sentence(self) -> str:
        return self.words or self.name or "OpenCode did not say why."
