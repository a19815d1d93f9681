"""Text of other programs does nothing to a terminal, and every stream can take what is printed."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from t3tray.cli.output import as_json, as_written, printable, put
from t3tray.errors import OutputLost

ODD = "\u65e5\u672c\u3000\u8a9e a\xa0b \U0001f469\u200d\U0001f4bb"
# What a terminal obeys, also as one character; what turns a line around; bytes of a file name that are no UTF-8.
CONTROLS = "\x1b\x07\x7f\x9b\r\u202e\u2066\u200f\udcff"


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def stream(encoding: str, kind: type[io.TextIOWrapper] = io.TextIOWrapper) -> io.TextIOWrapper:
    return kind(io.BytesIO(), encoding=encoding)


def test_a_title_clears_no_screen_and_writes_no_clipboard() -> None:
    told = printable("\x1b[2J\x1b]52;c;eA==\x07Parser\u202e\n\tnext line", stream("utf-8"))
    assert "Parser" in told and told.endswith("\n\tnext line")
    assert all(char.isprintable() or char in "\n\t" for char in told)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_every_stream_can_take_it(encoding: str) -> None:
    out = stream(encoding)
    out.write(printable("\u2713 Gru\u00df \u65e5\u672c", out))
    out.write(as_json({}, out))
    out.flush()
    again = stream(encoding)
    again.write(as_json({"title": "Gru\u00df \u65e5\u672c"}, again))
    again.flush()
    written = again.buffer
    assert isinstance(written, io.BytesIO)
    assert json.loads(written.getvalue().decode(encoding)) == {"title": "Gru\u00df \u65e5\u672c"}


def test_odd_characters_that_act_on_nothing_stay_and_all_others_go() -> None:
    assert printable(ODD, stream("utf-8")) == ODD
    assert printable(CONTROLS, stream("utf-8")) == "\N{REPLACEMENT CHARACTER}" * len(CONTROLS)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_kept_words_are_exact_in_a_file_and_harmless_in_a_terminal(encoding: str) -> None:
    words = f"# \u2713 \x1b[2J{ODD}\n"
    for kind in (io.TextIOWrapper, Terminal):
        out = stream(encoding, kind)
        out.write(as_written(words, out))
        out.flush()
    assert as_written(words, stream("utf-8")) == words
    assert as_written(words, stream("utf-8", Terminal)) == words.replace("\x1b", "\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_a_document_holds_no_raw_control_and_every_text_as_it_is(encoding: str) -> None:
    out = stream(encoding)
    told = as_json({"title": f"{ODD}{CONTROLS}"}, out)
    out.write(told)
    out.flush()
    assert not set(CONTROLS) & set(told)
    assert json.loads(told) == {"title": f"{ODD}{CONTROLS}"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_what_cannot_be_written_is_told_as_that() -> None:
    with Path("/dev/full").open("w") as out, pytest.raises(OutputLost) as told:
        put("x", out)
    assert told.value.message == "The answer cannot be written to standard output: No space left on device."
