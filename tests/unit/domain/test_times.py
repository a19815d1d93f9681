"""Times of others: before 1970, where Windows' C library fails, after the last year, and none at all."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from t3tray.cli import json_documents, text_tables
from t3tray.domain.carries import local_time
from t3tray.domain.times import dated, exact_from_ms, from_ms, local
from t3tray.t3code.times import moment
from t3tray.ui.labels import ago

PACKAGE = Path(__file__).parents[3] / "t3tray"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class OnWindows(datetime):
    """A time with the limits of Windows' C library: `localtime_s` fails before 1970."""

    def astimezone(self, tz: tzinfo | None = None) -> OnWindows:
        if tz is None and self.year < 1970:
            raise OSError(22, "Invalid argument")
        return super().astimezone(tz)


@pytest.fixture(params=["Asia/Tokyo", "America/Los_Angeles"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


def test_a_time_before_1970_is_told_on_windows_too() -> None:
    old = OnWindows(1954, 6, 7, 12, tzinfo=UTC)
    assert local(old) is old
    assert dated(old) == "7 June 1954, 12:00" and text_tables.local(old) == "1954-06-07 12:00" and "1954" in ago(old, NOON)


def test_milliseconds_are_counted_without_the_c_library() -> None:
    assert from_ms(-491_184_000_000) == datetime(1954, 6, 9, tzinfo=UTC)
    assert from_ms(1_795_521_600_250) == NOON + timedelta(milliseconds=250)


@pytest.mark.parametrize("ms", [2**70, -(2**70), 253_402_300_799_999, 1e300])
def test_what_is_no_time_is_told_all_the_same(ms: float, zone: str) -> None:
    at = from_ms(ms)
    assert text_tables.local(at) and dated(at) and from_ms(ms) + timedelta(days=99) > at
    assert local_time(int(ms))


def test_a_number_that_is_no_time_is_none_in_a_document() -> None:
    with pytest.raises(OverflowError):
        exact_from_ms(2**70)
    assert json_documents.moment_of(2**70) is None and json_documents.moment_of(-1) == "1969-12-31T23:59:59.999Z"


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_the_last_hours_of_all_are_told_in_every_time_zone(text: str, zone: str) -> None:
    at = moment(text)
    assert at is not None and text_tables.local(at) and dated(at) and ago(at, NOON)


def test_no_other_module_asks_the_c_library_for_a_time_of_others() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and re.search(r"fromtimestamp\(.*/ 1000", ast.unparse(node)):
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert found == []
