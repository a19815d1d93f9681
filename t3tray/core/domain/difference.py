"""What two sessions of one thread have in common, and what only one of them holds. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from t3tray.core.domain.transcript import Utterance


@dataclass(frozen=True)
class Difference:
    """Messages, oldest first."""

    common: int
    only_first: tuple[Utterance, ...]
    only_second: tuple[Utterance, ...]


def difference(first: Iterable[Utterance], second: Iterable[Utterance]) -> Difference:
    """Compare by who wrote what, and when: a fork copies messages under new ids, with their times (OpenCode 1.18)."""
    one, other = tuple(first), tuple(second)
    in_one, in_other = {_key(each) for each in one}, {_key(each) for each in other}
    return Difference(
        common=len(in_one & in_other),
        only_first=tuple(each for each in one if _key(each) not in in_other),
        only_second=tuple(each for each in other if _key(each) not in in_one),
    )


def _key(utterance: Utterance) -> tuple[str, int, str]:
    return utterance.role, utterance.created_ms, utterance.text
