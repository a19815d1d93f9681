"""Secrets in the keyring: one item for each data folder, whatever is stored in it and by how many processes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import keyring
import pytest

from t3tray.errors import StoreError
from t3tray.system.secrets import FILE, KEYRING, Secrets
from tests.support.file_keyring import VARIABLE, Ring

# In seconds: a ceiling, for a busy machine.
LIMIT = 90.0


@pytest.fixture(autouse=True)
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ring:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    made: Ring = Ring()  # type: ignore[no-untyped-call]
    monkeypatch.setattr(keyring, "get_keyring", lambda: made)
    return made


def items(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / "ring.json").read_text())
    return found


def test_three_starts_and_the_guard_make_one_item_that_goes_with_its_last_secret(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for start in range(3):
        secrets = Secrets(data, LIMIT)
        assert secrets.store(f"server-{start}", f"password {start}") == KEYRING
        assert [*items(tmp_path)] == [f"t3tray/{data}"]
        assert secrets.read(f"server-{start}", KEYRING) == f"password {start}"
        if start:
            secrets.forget(f"server-{start - 1}", KEYRING)
    secrets.store("guard", "door-of-this-test")
    assert [*items(tmp_path)] == [f"t3tray/{data}"]
    assert secrets.read("server-1", KEYRING) is None and secrets.read("server-2", KEYRING) == "password 2"
    secrets.forget("server-2", KEYRING)
    assert secrets.read("guard", KEYRING) == "door-of-this-test"
    secrets.forget("guard", KEYRING)
    assert items(tmp_path) == {} and secrets.read("guard", KEYRING) is None


def test_a_secret_is_not_missing_while_another_one_is_stored(tmp_path: Path, ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS's back end replaces an item by removing it first. A guard whose password is missing gets a new one."""
    data, removed, looked = tmp_path / "data", Event(), Event()
    Secrets(data, LIMIT).store("guard", "door-of-this-test")
    set_password = ring.set_password

    def replace(service: str, username: str, password: str) -> None:
        ring.delete_password(service, username)
        removed.set()
        assert looked.wait(LIMIT)
        set_password(service, username, password)

    get_password = ring.get_password

    def get(service: str, username: str) -> str | None:
        found = get_password(service, username)
        if removed.is_set():
            looked.set()
        return found

    monkeypatch.setattr(ring, "set_password", replace)
    monkeypatch.setattr(ring, "get_password", get)
    with ThreadPoolExecutor(1) as threads:
        storing = threads.submit(Secrets(data, LIMIT).store, "server-1", "not-a-common-text")
        assert removed.wait(LIMIT)
        assert Secrets(data, LIMIT).read("guard", KEYRING) == "door-of-this-test"
        assert storing.result(LIMIT) == KEYRING


@pytest.mark.parametrize("is_silent", [False, True])
def test_a_keyring_that_cannot_take_one_more_secret_keeps_the_others(
    tmp_path: Path, ring: Ring, monkeypatch: pytest.MonkeyPatch, is_silent: bool
) -> None:
    """As one with a longest password: that of Windows has 1,280 characters. macOS's back end removes the item first."""
    set_password = ring.set_password

    def limited(service: str, username: str, password: str) -> None:
        ring.delete_password(service, username)
        if len(password) > 40 and not is_silent:
            raise OSError("it is too long")
        set_password(service, username, password[:40])

    monkeypatch.setattr(ring, "set_password", limited)
    secrets = Secrets(tmp_path / "data", LIMIT)
    assert secrets.store("guard", "door-of-this-test") == KEYRING
    assert secrets.store("server-1", "x" * 40) == FILE and secrets.read("server-1", FILE) == "x" * 40
    assert secrets.read("guard", KEYRING) == "door-of-this-test"


def test_an_item_of_an_earlier_version_is_found_by_its_name_and_a_file_of_the_user_stays(tmp_path: Path, ring: Ring) -> None:
    ring.set_password("t3tray", "guard", "old-of-this-test")
    secrets, own = Secrets(tmp_path / "data", LIMIT), tmp_path / "data" / "secrets" / "keys.txt"
    own.parent.mkdir(parents=True)
    own.touch()
    assert secrets.places(in_keyring=()) == ()
    assert secrets.places(in_keyring=("guard",)) == (secrets.keyring_name(),)
    secrets.forget_all()
    assert own.exists()


def test_two_data_folders_have_a_guard_each(tmp_path: Path) -> None:
    one, other = Secrets(tmp_path / "one", LIMIT), Secrets(tmp_path / "other", LIMIT)
    one.store("guard", "first-of-this-test")
    other.store("guard", "second-of-this-test")
    assert (one.read("guard", KEYRING), other.read("guard", KEYRING)) == ("first-of-this-test", "second-of-this-test")
    one.forget("guard", KEYRING)
    assert other.read("guard", KEYRING) == "second-of-this-test"


def test_an_item_of_an_earlier_version_is_read_and_removed(tmp_path: Path, ring: Ring) -> None:
    ring.set_password("t3tray", "server-abc", "old-of-this-test")
    secrets = Secrets(tmp_path / "data", LIMIT)
    secrets.store("guard", "door-of-this-test")
    assert secrets.read("server-abc", KEYRING) == "old-of-this-test"
    secrets.forget("server-abc", KEYRING)
    assert secrets.read("server-abc", KEYRING) is None and secrets.read("guard", KEYRING) == "door-of-this-test"


def test_of_many_that_store_at_once_none_loses_its_secret(tmp_path: Path) -> None:
    names = [f"server-{number}" for number in range(16)]
    with ThreadPoolExecutor(8) as threads:
        places = [*threads.map(lambda name: Secrets(tmp_path / "data", LIMIT).store(name, name.upper()), names)]
    assert {*places} == {KEYRING}
    assert [Secrets(tmp_path / "data", LIMIT).read(name, KEYRING) for name in names] == [name.upper() for name in names]


@pytest.mark.parametrize("content", ["not JSON", "[1]", '{"guard": 3}'])
def test_an_item_that_is_not_ours_to_read_has_no_secret(tmp_path: Path, ring: Ring, content: str) -> None:
    data = tmp_path / "data"
    ring.set_password("t3tray", str(data), content)
    secrets = Secrets(data, LIMIT)
    assert secrets.read("guard", KEYRING) is None
    assert secrets.store("guard", "door-of-this-test") == KEYRING and secrets.read("guard", KEYRING) == "door-of-this-test"


def test_a_lock_that_is_not_released_leaves_the_private_file(tmp_path: Path) -> None:
    from t3tray.system.instance_lock import InstanceLock

    data = tmp_path / "data"
    held = InstanceLock(data, "keyring.lock")
    assert held.take()
    secrets = Secrets(data, 0.1)
    assert secrets.store("guard", "door-of-this-test") == FILE and secrets.read("guard", FILE) == "door-of-this-test"
    held.release()


def test_all_secrets_of_a_folder_are_found_and_removed_and_no_others(tmp_path: Path) -> None:
    ours, others = Secrets(tmp_path / "ours", LIMIT), Secrets(tmp_path / "others", LIMIT)
    assert ours.places(in_keyring=()) == ()
    for secrets in (ours, others):
        secrets.store("guard", "door-of-this-test")
    (tmp_path / "ours" / "secrets").mkdir(parents=True, exist_ok=True)
    (tmp_path / "ours" / "secrets" / "attached-server").write_text("not-a-common-text")
    assert ours.places(in_keyring=("guard",)) == (ours.keyring_name(), str(tmp_path / "ours" / "secrets"))
    ours.forget_all()
    ours.forget_all()
    assert ours.places(in_keyring=("guard",)) == () and others.read("guard", KEYRING) == "door-of-this-test"


def test_a_session_without_a_keyring_cannot_say_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring.backends import fail

    monkeypatch.setattr(keyring, "get_keyring", fail.Keyring)
    secrets = Secrets(tmp_path / "data", LIMIT)
    assert secrets.places(in_keyring=()) == ()
    with pytest.raises(StoreError, match="no keyring"):
        secrets.places(in_keyring=("guard",))
    secrets.forget_all()


def test_a_locked_keyring_is_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "locked").touch()
    secrets = Secrets(tmp_path / "data", LIMIT)
    for ask in (lambda: secrets.places(in_keyring=()), secrets.forget_all):
        with pytest.raises(StoreError, match="Failed to unlock"):
            ask()
