"""What others wrote does nothing to a terminal, and every stream can take what is printed."""

from __future__ import annotations

import io
import json

import pytest

from t3tray.printing import for_people, for_scripts


def stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


def test_a_title_clears_no_screen_and_writes_no_clipboard() -> None:
    told = for_people("\x1b[2J\x1b]52;c;eA==\x07Parser\u202e\n\tnext line", stream("utf-8"))
    assert "Parser" in told and told.endswith("\n\tnext line")
    assert all(char.isprintable() or char in "\n\t" for char in told)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_every_stream_can_take_it(encoding: str) -> None:
    out = stream(encoding)
    out.write(for_people("\u2713 Gru\u00df \u65e5\u672c", out))
    out.write(for_scripts({}, out))
    out.flush()
    again = stream(encoding)
    again.write(for_scripts({"title": "Gru\u00df \u65e5\u672c"}, again))
    again.flush()
    assert json.loads(again.buffer.getvalue().decode(encoding)) == {"title": "Gru\u00df \u65e5\u672c"}
