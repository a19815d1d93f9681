"""The port that T3 Code's settings name for weeks: below the range that the system assigns."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from t3tray.server import port
from t3tray.server.port import HOST, choose_lasting_port


@pytest.mark.parametrize(("said", "first"), [("32768\t60999\n", 32768), ("10000 65000", 10000), ("", 49152), (None, 49152)])
def test_it_is_below_the_ports_of_outgoing_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, first: int
) -> None:
    file = tmp_path / "ip_local_port_range"
    if said is not None:
        file.write_text(said)
    monkeypatch.setattr(port, "EPHEMERAL_RANGE", file)
    asked: list[Sequence[int]] = []

    def pick(ports: Sequence[int]) -> int:
        asked.append(ports)
        return ports[-len(asked)]

    found = choose_lasting_port(pick=pick)
    assert min(asked[0]) > 1024 and max(asked[0]) == first - 1 and found in asked[0]


def test_one_that_is_taken_or_was_the_last_is_not_chosen() -> None:
    with socket.create_server((HOST, 0)) as taken:
        ports = iter([taken.getsockname()[1], 20_000, 20_001, 20_002, 20_003])
        assert choose_lasting_port(20_000, lambda _: next(ports)) in (20_001, 20_002, 20_003)
