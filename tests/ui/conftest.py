"""What tests of pages and windows share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from tests.support.asked import Asked


@pytest.fixture
def recorded(qtbot: QtBot) -> Iterator[Asked]:
    """What the page or window of this test asks of the backend."""
    with Asked(qtbot) as made:
        yield made
