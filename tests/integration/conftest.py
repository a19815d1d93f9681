"""Fixtures that several of these tests use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bad_server import BadServer


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def bad(tmp_path: Path) -> Iterator[BadServer]:
    """A server that behaves as the test sets it; none of its processes may be left running."""
    server = BadServer(tmp_path / "bad")
    yield server
    assert server.end() == [], "a server was left behind"
