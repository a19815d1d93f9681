"""The guard's port and password: chosen once, the same for every process of the data directory, replaced together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from t3tray.guard.credentials import CredentialStore
from t3tray.store.guard_place import GuardPlace
from t3tray.store.store import Store
from t3tray.system.secrets import Secrets
from t3tray.system.sql_thread import SqlThread

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[tuple[CredentialStore, CredentialStore, Store]]:
    """The credentials of two processes, and the second one's store."""
    run_sql, opened = SqlThread("test-sql"), [Store.open(tmp_path, lambda: NOON) for _ in range(2)]
    one, other = (CredentialStore(store.guard_place, Secrets(tmp_path), run_sql) for store in opened)
    yield one, other, opened[1]
    run_sql.close()
    for store in opened:
        store.close()


async def test_they_are_chosen_once_and_are_the_same_for_every_process(
    stores: tuple[CredentialStore, CredentialStore, Store],
) -> None:
    one, other, store = stores
    assert await one.known() is None and await one.port() == 0
    chosen = await one.get()
    assert chosen == await one.get() == await other.known() and await other.port() == chosen.port
    assert (await other.place()).port == chosen.port and (await other.place()).secret_place
    assert chosen.password not in repr(chosen) and store.settings.read() == {}, "they are no settings"


async def test_others_have_another_port_and_what_is_given_up_leaves_nothing(
    stores: tuple[CredentialStore, CredentialStore, Store],
) -> None:
    one, other, store = stores
    first, second = await one.get(), await one.renew()
    assert first.port != second.port and await other.known() == second
    await other.forget()
    assert await one.known() is None and await one.place() == GuardPlace() and store.damaged_rows() == ()
