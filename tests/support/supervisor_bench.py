"""A supervisor with a clock that is set by hand."""

from __future__ import annotations

import random
from collections.abc import Iterable

from t3tray.domain.server import ServerState
from t3tray.errors import ServerDown, ServerFailed, TimedOut
from t3tray.server.supervisor import Supervisor
from t3tray.server.supervisor_events import Action, Announced, Answered, Event, Exited, Need, Spawned, Tick, WakeAt

CRASH = ServerFailed("it crashed")
SILENCE = TimedOut("no answer")
REFUSED = ServerDown("nobody listens")


class Bench:
    """A supervisor with a clock that is set by hand."""

    def __init__(self, external: bool = False) -> None:
        self.it = Supervisor(random.Random(1), external=external)
        self.now = 0.0

    def tell(self, *events: Event) -> list[Action]:
        """Feed events; return the actions of the last one, without the wake-up."""
        actions: Iterable[Action] = ()
        for event in events:
            actions = self.it.handle(event, self.now)
        self.wake = next((action.at for action in actions if isinstance(action, WakeAt)), None)
        return [action for action in actions if not isinstance(action, WakeAt)]

    def sleep(self) -> list[Action]:
        """Advance the clock to the requested wake-up."""
        assert self.wake is not None, "nothing is due"
        self.now = max(self.now, self.wake)
        return self.tell(Tick())

    def ready(self) -> Bench:
        self.tell(Need(), Spawned(), Announced(self.it.run + 1))
        self.tell(Answered(self.it.run, "1"))
        assert self.it.state is ServerState.READY
        return self

    def exit(self) -> list[Action]:
        return self.tell(Exited(self.it.run, CRASH, "the last words"))
