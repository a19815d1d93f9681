"""Pointing T3 Code at the guard and back: the settings that win, everything else untouched, and no password in any text."""

from __future__ import annotations

import json
import logging
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from t3tray.errors import Refused, StoreError, T3TrayError
from t3tray.guard.change_record import ChangeRecord
from t3tray.guard.t3_settings import Protection, ProtectionView, T3Protection, settings_path
from t3tray.t3code.home import T3Home
from t3tray.t3code.settings_file import Content, SettingsFile
from tests.support.t3_world import NOON

URL, PASSWORD = "http://127.0.0.1:4711", "the guard's own"
OLD_URL, SECRET = "http://10.0.0.7:4096", "hunter2 of the user"


@pytest.fixture
def home(tmp_path: Path) -> T3Home:
    (tmp_path / "t3" / "userdata").mkdir(parents=True)
    return T3Home(tmp_path / "t3")


@pytest.fixture
def protection(home: T3Home, tmp_path: Path) -> T3Protection:
    return T3Protection(home, tmp_path / "ours", lambda: NOON)


def settings_file(home: T3Home) -> Path:
    return home.state / "settings.json"


def write(home: T3Home, value: object, indent: int | None = 2, end: str = "\n") -> str:
    separators = None if indent else (",", ":")
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=False) + end
    settings_file(home).write_text(text, encoding="utf-8")
    return text


def read(home: T3Home) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(settings_file(home).read_text("utf-8"))
    return found


LEGACY = {
    "theme": "dark",
    "providers": {"codex": {"enabled": True}, "opencode": {"enabled": True, "binaryPath": ""}},
    "z": [1.0, "ü"],
}
INSTANCES: dict[str, dict[str, Any]] = {
    "providerInstances": {
        "opencode": {"driver": "opencode", "enabled": True, "config": {"serverUrl": OLD_URL, "serverPassword": SECRET, "x": 1}},
        "work": {"driver": "opencode", "enabled": False, "config": {}},
        "bare": {"driver": "opencode"},
        "claude": {"driver": "claudeAgent", "config": {"serverUrl": "kept"}},
    },
    "providers": {"opencode": {"serverUrl": "kept, since the instance wins"}},
}


@pytest.mark.parametrize(("indent", "end"), [(2, "\n"), (None, ""), (4, "\n\n")])
def test_the_provider_is_pointed_at_the_guard_and_back_to_the_byte(
    home: T3Home, protection: T3Protection, indent: int | None, end: str
) -> None:
    text = write(home, LEGACY, indent, end)
    assert protection.view(URL, PASSWORD).state is Protection.NOT_GUARDED
    view = protection.protect(URL, PASSWORD)
    assert (view.state, [place.name for place in view.places]) == (Protection.GUARDED, ["providers.opencode"])
    expected = json.loads(text)
    expected["providers"]["opencode"] |= {"serverUrl": URL, "serverPassword": PASSWORD}
    assert read(home) == expected and list(read(home)) == list(LEGACY)
    assert settings_file(home).read_text("utf-8") == write_like(expected, indent, end)
    assert protection.unprotect(URL, PASSWORD).state is Protection.NOT_GUARDED
    assert settings_file(home).read_text("utf-8") == text


def write_like(value: object, indent: int | None, end: str) -> str:
    return json.dumps(value, indent=indent, separators=None if indent else (",", ":"), ensure_ascii=False) + end


def test_the_instances_that_win_are_changed_and_no_other(home: T3Home, protection: T3Protection) -> None:
    write(home, INSTANCES)
    view = protection.view(URL, PASSWORD)
    assert [(place.name, place.server) for place in view.places] == [
        ("providerInstances.opencode.config", OLD_URL),
        ("providerInstances.work.config", ""),
        ("providerInstances.bare.config", ""),
    ]
    assert protection.protect(URL, PASSWORD).state is Protection.GUARDED
    changed = read(home)
    instances = changed["providerInstances"]
    assert isinstance(instances, dict)
    for name in ("opencode", "work", "bare"):
        assert instances[name]["config"] | {"serverUrl": URL, "serverPassword": PASSWORD} == instances[name]["config"]
    assert instances["claude"] == INSTANCES["providerInstances"]["claude"] and instances["opencode"]["config"]["x"] == 1
    assert changed["providers"] == INSTANCES["providers"]
    protection.unprotect(URL, PASSWORD)
    assert read(home) == INSTANCES


def test_an_instance_of_another_name_leaves_the_provider_in_use(home: T3Home, protection: T3Protection) -> None:
    write(home, {"providerInstances": {"work": {"driver": "opencode", "config": {}}}})
    view = protection.protect(URL, PASSWORD)
    assert [place.name for place in view.places] == ["providerInstances.work.config", "providers.opencode"]
    settings_file(home).write_text(settings_file(home).read_text() + "\n")
    protection.unprotect(URL, PASSWORD)
    assert read(home) == {"providerInstances": {"work": {"driver": "opencode", "config": {}}}}


def test_without_a_file_one_is_made_for_the_user_alone_and_removed_again(home: T3Home, protection: T3Protection) -> None:
    assert protection.protect(URL, PASSWORD).state is Protection.GUARDED
    assert stat.S_IMODE(settings_file(home).stat().st_mode) == 0o600
    assert protection.unprotect(URL, PASSWORD).state is Protection.NOT_GUARDED
    assert not settings_file(home).exists()


@pytest.mark.parametrize("touched", [False, True])
def test_while_the_password_is_in_it_the_file_is_the_users_alone_and_a_link_to_it_stays(
    home: T3Home, protection: T3Protection, tmp_path: Path, touched: bool
) -> None:
    text = write(home, INSTANCES)
    real = tmp_path / "dotfiles.json"
    settings_file(home).rename(real)
    real.chmod(0o640)
    settings_file(home).symlink_to(real)
    protection.protect(URL, PASSWORD)
    assert settings_file(home).is_symlink() and stat.S_IMODE(real.stat().st_mode) == 0o600
    real.chmod(0o644)
    protection.make_private()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600, "T3 Code had written it anew"
    copies = [path for path in (tmp_path / "ours").iterdir() if path.read_text("utf-8") == text]
    assert len(copies) == 1
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "ours").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == 0o700
    if touched:
        real.write_text(real.read_text("utf-8") + " ", encoding="utf-8")
    protection.unprotect(URL, PASSWORD)
    assert settings_file(home).is_symlink() and stat.S_IMODE(real.stat().st_mode) == 0o640


# What Python's own writer would write otherwise than it stood there, or not at all.
ODD = [
    '{\r\n  "theme": "dark",\r\n  "providers": {\r\n    "opencode": {\r\n      "enabled": true\r\n    }\r\n  }\r\n}\r\n',
    '{"half": "\\ud800", "providers": {"opencode": {"serverUrl": "\\udfff", "serverPassword": "\\ud83d"}}}',
    '{"\\ud800": 1, "many": 1e999, "less": [-1e999, 1.50, 1E2, 10000000000000000000000000000001.0], "providers": {}}',
    '{ "a" :1 ,"b": [ 1,2 ] , "providers" : { "opencode" : { } } }',
    '{"slash": "\\/", "letter": "\\u00fc", "tab":\t"x"}',
    "{ }",
]


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("touched", [False, True])
def test_every_byte_that_is_not_ours_stays_as_it_was_written(
    home: T3Home, protection: T3Protection, text: str, touched: bool
) -> None:
    settings_file(home).write_bytes(text.encode())
    assert protection.protect(URL, PASSWORD).state is Protection.GUARDED
    guarded = settings_file(home).read_bytes().decode()
    assert guarded.count("\n") == guarded.count("\r\n"), "one end of a line"
    for odd in ("\\ud800", "1e999", "-1e999", "1.50", "1E2", "[ 1,2 ]", "\\/", "\\u00fc", ":\t"):
        assert (odd in text) == (odd in guarded)
    if touched:
        settings_file(home).write_bytes(b" " + guarded.encode())
    protection.unprotect(URL, PASSWORD)
    after = settings_file(home).read_bytes().decode()
    assert json.loads(after) == json.loads(text)
    assert touched or after == text


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_words_that_only_python_takes_for_numbers_are_no_settings(home: T3Home, protection: T3Protection, word: str) -> None:
    settings_file(home).write_text(f'{{"a": {word}}}')
    with pytest.raises(Refused, match="not the JSON"):
        protection.protect(URL, PASSWORD)
    assert settings_file(home).read_text() == f'{{"a": {word}}}'


def test_what_the_user_changed_meanwhile_stays(home: T3Home, protection: T3Protection) -> None:
    write(home, INSTANCES)
    protection.protect(URL, PASSWORD)
    changed = read(home)
    changed["theme"] = "light"
    changed["providerInstances"]["work"]["config"] = {"serverUrl": "http://mine"}
    write(home, changed)
    view = protection.view(URL, PASSWORD)
    assert view.state is Protection.CHANGED and "providerInstances.work.config" in view.sentence
    protection.unprotect(URL, PASSWORD)
    after = read(home)
    assert after["theme"] == "light"
    instances = after["providerInstances"]
    assert isinstance(instances, dict)
    assert instances["work"]["config"] == {"serverUrl": "http://mine"}, "it is not ours any more"
    assert instances["opencode"] == INSTANCES["providerInstances"]["opencode"] and "config" not in instances["bare"]


def test_protecting_again_what_was_changed_goes_back_to_the_users_newest_word(home: T3Home, protection: T3Protection) -> None:
    write(home, LEGACY)
    protection.protect(URL, PASSWORD)
    changed = read(home)
    changed["providers"]["opencode"] |= {"serverUrl": "http://mine", "serverPassword": SECRET}
    write(home, changed)
    assert protection.protect(URL, PASSWORD).state is Protection.GUARDED
    protection.unprotect(URL, PASSWORD)
    assert read(home) == changed


def test_another_password_or_address_is_not_guarded(home: T3Home, protection: T3Protection) -> None:
    write(home, LEGACY)
    protection.protect(URL, PASSWORD)
    assert protection.view(URL, "another").state is Protection.CHANGED
    assert protection.view("http://127.0.0.1:1", PASSWORD).state is Protection.CHANGED
    assert protection.protect("http://127.0.0.1:1", "another").state is Protection.GUARDED


def test_a_lost_record_still_lets_the_guard_be_left(home: T3Home, protection: T3Protection, tmp_path: Path) -> None:
    write(home, LEGACY)
    protection.protect(URL, PASSWORD)
    for path in (tmp_path / "ours").iterdir():
        path.unlink()
    assert protection.unprotect(URL, PASSWORD).state is Protection.NOT_GUARDED
    assert read(home) == LEGACY


@pytest.mark.parametrize(
    "text",
    [
        f'{{"serverPassword": "{SECRET}", nonsense',
        f'["{SECRET}"]',
        f'{{"a": "{SECRET}", "a": 1}}',
        f'{{"providers": "{SECRET}"}}',
        f'{{"providers": {{"opencode": ["{SECRET}"]}}}}',
        f'{{"providerInstances": {{"opencode": {{"driver": "opencode", "config": "{SECRET}"}}}}}}',
    ],
)
def test_what_is_not_understood_is_left_and_nothing_of_it_is_said(
    home: T3Home, protection: T3Protection, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings_file(home).write_text(text)
    with pytest.raises(Refused) as refused:
        protection.protect(URL, PASSWORD)
    assert settings_file(home).read_text() == text
    told = [repr(refused.value), str(refused.getrepr(showlocals=False)), caplog.text, repr(protection.view(URL, PASSWORD))]
    assert all(SECRET not in words and "hunter2" not in words for words in told)


def test_no_password_is_in_any_value_or_error(home: T3Home, protection: T3Protection, tmp_path: Path) -> None:
    write(home, {"providers": {"opencode": {"serverUrl": f"http://u:{SECRET.split()[0]}@h:1/p?q=1", "serverPassword": SECRET}}})
    views: list[ProtectionView] = [protection.view(URL, PASSWORD), protection.protect(URL, PASSWORD)]
    assert views[0].places[0].server == "http://h:1/p"
    records = list((tmp_path / "ours").glob("*.json"))
    assert len(records) == 1
    for told in (
        *map(repr, views),
        repr(protection),
        repr(vars(protection)),
        repr(SettingsFile(settings_path(home)).read()),
        *(repr(ChangeRecord(path).read()) for path in records),
    ):
        assert "hunter2" not in told and PASSWORD not in told


def test_a_file_that_another_program_writes_meanwhile_is_left(
    home: T3Home, protection: T3Protection, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, LEGACY)
    replace = os.replace
    real_read = SettingsFile.read
    reads = 0

    def read_and_write(file: SettingsFile) -> Content:
        nonlocal reads
        reads += 1
        if reads == 2:
            write(home, {"theme": "written by T3 Code"})
        return real_read(file)

    monkeypatch.setattr(SettingsFile, "read", read_and_write)
    with pytest.raises(Refused, match="changed by another program"):
        protection.protect(URL, PASSWORD)
    assert read(home) == {"theme": "written by T3 Code"} and os.replace is replace
    assert [path.name for path in home.state.iterdir()] == ["settings.json"], "no part is left"


def test_a_folder_that_cannot_be_written_changes_nothing(home: T3Home, tmp_path: Path) -> None:
    text = write(home, LEGACY)
    (tmp_path / "ours").write_text("a file in its place")
    with pytest.raises(StoreError):
        T3Protection(home, tmp_path / "ours", lambda: NOON).protect(URL, PASSWORD)
    assert settings_file(home).read_text() == text


def test_no_t3_code_is_said_so(tmp_path: Path) -> None:
    nowhere = T3Protection(T3Home(tmp_path / "nowhere"), tmp_path / "ours", lambda: NOON)
    assert nowhere.view(URL, PASSWORD).state is Protection.NO_T3CODE
    with pytest.raises(Refused):
        nowhere.protect(URL, PASSWORD)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
configs = st.fixed_dictionaries(
    {}, optional={"serverUrl": st.text(max_size=8), "serverPassword": st.text(max_size=8), "x": values}
)
instances = st.fixed_dictionaries({"driver": st.sampled_from(["opencode", "codex"])}, optional={"config": configs, "y": values})
whole = st.fixed_dictionaries(
    {},
    optional={
        "other": values,
        "providers": st.fixed_dictionaries({}, optional={"opencode": configs, "codex": values}),
        "providerInstances": st.dictionaries(st.sampled_from(["opencode", "work", "third"]), instances, max_size=3),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(whole, st.sampled_from([2, 4, None]), st.booleans())
def test_any_settings_come_back_as_they_were(
    home: T3Home, protection: T3Protection, value: dict[str, object], indent: int | None, touched: bool
) -> None:
    text = write(home, value, indent)
    try:
        assert protection.protect(URL, PASSWORD).state is Protection.GUARDED
        if touched:
            settings_file(home).write_text(settings_file(home).read_text("utf-8") + " ", encoding="utf-8")
        assert protection.unprotect(URL, PASSWORD).state is not Protection.GUARDED
    except T3TrayError as error:
        pytest.fail(f"{error.message}")
    assert read(home) == value
    assert touched or settings_file(home).read_text("utf-8") == text


PROGRAM = Path("/opt/opencode/bin/opencode")


@pytest.mark.parametrize("named", [None, "opencode", "/home/dev/.opencode/bin/opencode"])
@pytest.mark.parametrize("place", ["provider", "instance"])
def test_the_program_is_named_by_another_path_each_time_and_put_back_byte_for_byte(
    home: T3Home, protection: T3Protection, place: str, named: str | None
) -> None:
    config = {"enabled": True, "customModels": []} | ({"binaryPath": named} if named else {})
    instance = {"providerInstances": {"opencode": {"driver": "opencode", "config": config}}}
    text = write(home, {"providers": {"opencode": config}} if place == "provider" else instance, 4, "\n\n")
    protection.protect(URL, PASSWORD)
    seen = []
    for _ in range(3):
        protection.respell_program(URL, PASSWORD, PROGRAM)
        settings = json.loads(settings_file(home).read_text())
        found = (settings["providers"] if place == "provider" else settings["providerInstances"])["opencode"]
        seen.append((found if place == "provider" else found["config"])["binaryPath"])
        assert protection.view(URL, PASSWORD).state is Protection.GUARDED
    real = named if named and named.startswith("/") else str(PROGRAM)
    assert all(before != after for before, after in zip([named, *seen], seen, strict=False)), "each is a change to T3 Code"
    assert {os.path.normpath(path) for path in seen} == {real}, "and the same program"
    protection.unprotect(URL, PASSWORD)
    assert settings_file(home).read_text() == text


def test_the_program_is_put_back_where_t3_code_wrote_its_settings_anew(home: T3Home, protection: T3Protection) -> None:
    write(home, {"providers": {"opencode": {"binaryPath": "opencode"}}})
    protection.protect(URL, PASSWORD)
    protection.respell_program(URL, PASSWORD, PROGRAM)
    anew = json.loads(settings_file(home).read_text()) | {"theme": "dark"}
    settings_file(home).write_text(json.dumps(anew))
    protection.unprotect(URL, PASSWORD)
    assert json.loads(settings_file(home).read_text()) == {"providers": {"opencode": {"binaryPath": "opencode"}}, "theme": "dark"}


def test_the_program_is_left_alone_where_the_settings_do_not_lead_to_the_guard(home: T3Home, protection: T3Protection) -> None:
    text = write(home, {"providers": {"opencode": {}}})
    with pytest.raises(Refused, match="do not name the guard"):
        protection.respell_program(URL, PASSWORD, PROGRAM)
    assert settings_file(home).read_text() == text
