"""The archive of a long thread: the cost of a turn, which must not grow with its length, and the time to read its end."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from t3tray.domain.archived import TranscriptOwner
from t3tray.store.archive_migration import ArchiveMigration
from t3tray.store.vault_files import VaultFiles
from tests.bench.table import Line
from tests.support.archives import AT, archive_in, conversation, said
from tests.support.old_vault import OldVault
from tests.support.opencode import OpenCodeHome

MESSAGES, SHORT, PAGE, TURNS = 5_000, 50, 40, 41


def measure(folder: Path, _home: OpenCodeHome) -> Iterator[Line]:
    archive = archive_in(folder)
    turns = {}
    for count in (SHORT, MESSAGES):
        owner = TranscriptOwner(f"thread-{count}", f"ses_{count}", "A thread", "/work")
        archive.add(owner, conversation(count), AT, 1, count)
        took = []
        for number in range(count, count + 2 * TURNS, 2):
            news = (said(number), said(number + 1))
            took.append(_ms(lambda: archive.add(owner, news, AT, 1, number + 2)))  # noqa: B023
        turns[count] = statistics.median(took)
    beside = f"of {SHORT} messages: {turns[SHORT]:.1f} ms"
    yield Line(f"archive a turn of {MESSAGES:,} messages", turns[MESSAGES], "ms", 10, beside)
    read = statistics.median(_ms(lambda: archive.transcript(f"ses_{MESSAGES}", PAGE)) for _ in range(TURNS))
    yield Line(f"read the newest {PAGE} of them", read, "ms", 5)
    yield Line("read all of them", statistics.median(_ms(lambda: archive.transcript(f"ses_{MESSAGES}")) for _ in range(5)), "ms")
    archive.close()
    old = folder / "old"
    OldVault(old / "vault").keep(TranscriptOwner("t", "ses_old", "", ""), conversation(MESSAGES), AT, 1, MESSAGES)
    migration = ArchiveMigration(VaultFiles(old / "vault"), archive_in(old))
    yield Line(f"bring {MESSAGES:,} messages over, and read back", _ms(lambda: migration.bring_over("ses_old")), "ms")


def _ms(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000
