"""A process that is killed at any step of sending: the text is not lost, and sent again it reaches the model once."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.fake_server import FakeServer, Killed, KillSwitch
from tests.support.life import Life

PID = 2**22
TEXT = "said once"
# The thread is looked up, then the text is stored.
BEFORE_IT_IS_KEPT = range(3)


class Place:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "work").mkdir(parents=True)
        self.switch = KillSwitch()
        self.server = FakeServer(self.switch)
        self.lives = itertools.count(1)
        self.time = datetime(2026, 11, 24, tzinfo=UTC)
        self.life = self.live()
        self.thread = asyncio.run(self.life.threads.create(str(root / "work"), "a thread", self.server)).id

    def live(self) -> Life:
        return Life(self.root / "data", self.server, self.switch, PID + next(self.lives), self.tick)

    def close(self) -> None:
        self.life.store.close()

    def tick(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def killed(self, step: int) -> bool:
        self.switch.left = step
        try:
            asyncio.run(self.life.sending.send(self.thread, TEXT, self.server))
        except Killed:
            self.close()
            self.life = self.live()
            return True
        finally:
            self.switch.left = None
        return False

    @property
    def sent(self) -> list[str]:
        return [text for _, text in self.server.prompts]

    @property
    def draft(self) -> str:
        return self.life.store.threads.find(self.thread).draft


def test_killed_at_any_step_the_text_is_kept_or_there_and_sent_again_it_arrives_once(tmp_path: Path) -> None:
    arrived_unseen = 0
    for step in itertools.count():
        with closing(Place(tmp_path / str(step))) as place:
            if not place.killed(step):
                break
            assert place.sent or place.draft == TEXT or step in BEFORE_IT_IS_KEPT
            arrived_unseen += bool(place.sent and place.draft)
            if place.draft or not place.sent:
                asyncio.run(place.life.sending.send(place.thread, TEXT, place.server))
            assert place.draft == ""
            assert place.life.store.prompts.of(place.thread) == ()
            assert place.sent == [TEXT]
    assert arrived_unseen > 1


def test_what_arrived_unseen_is_no_draft_any_more_at_the_next_look(tmp_path: Path) -> None:
    with closing(Place(tmp_path)) as place:
        assert any(place.killed(step) and place.sent for step in itertools.count())
        assert place.draft == TEXT
        asyncio.run(place.life.sending.settle(place.thread, place.server))
        assert (place.draft, place.life.store.prompts.of(place.thread)) == ("", ())
