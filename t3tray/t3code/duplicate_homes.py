"""Threads that are in more than one home of T3 Code, because a home was copied. One of the homes is the live one for them.

Pure. Of the other home only its existence is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from t3tray.messages.t3code_homes import NAMED_FIRST, RUNNING_THERE, WRITTEN_LAST, in_two_homes
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3State


@dataclass(frozen=True)
class DuplicateHomes:
    """The `threads` (ids) are in both homes and shown from `live`. `why` is the reason for that, as a clause."""

    live: T3Home
    other: T3Home
    threads: frozenset[str]
    why: str

    @property
    def sentence(self) -> str:
        return in_two_homes(len(self.threads), self.live.base, self.other.base, self.why)


def without_duplicates(states: Sequence[T3State]) -> tuple[tuple[T3State, ...], tuple[DuplicateHomes, ...]]:
    """Return the states with each thread in only one of them, and the duplicates.

    The home with a running T3 Code wins, otherwise the one that was written last, otherwise the first.
    """
    if len(states) < 2:
        return tuple(states), ()
    taken: list[tuple[T3State, frozenset[str]]] = []
    kept: dict[T3Home, T3State] = {}
    duplicate_homes: list[DuplicateHomes] = []
    for state in sorted(states, key=_liveness, reverse=True):
        here = frozenset(thread.id for thread in state.threads)
        shared = [(live, here & there) for live, there in taken if here & there]
        duplicate_homes += [DuplicateHomes(live.home, state.home, both, _why(live, state)) for live, both in shared]
        gone = frozenset[str]().union(*(both for _, both in shared))
        left = replace(state, threads=tuple(thread for thread in state.threads if thread.id not in gone)) if gone else state
        kept[state.home] = left
        taken.append((state, here - gone))
    return tuple(kept[state.home] for state in states), tuple(duplicate_homes)


def _liveness(state: T3State) -> tuple[bool, str]:
    return state.served_since is not None, state.last_written


def _why(live: T3State, other: T3State) -> str:
    if live.served_since and not other.served_since:
        return RUNNING_THERE
    return WRITTEN_LAST if live.last_written > other.last_written else NAMED_FIRST
