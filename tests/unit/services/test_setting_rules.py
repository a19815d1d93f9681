"""What a setting may be, said in sentences that stand beside its field."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.core.domain.setting_limits import RULES, STATE, trouble_with
from t3tray.core.domain.settings import Settings
from t3tray.core.errors import UsageError
from t3tray.core.services.setting_rules import changed, check, refuse_state


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("opencode_path", ""),
        ("server_url", "https://box.local:4096"),
        ("server_url", ""),
        ("server_port", 0),
        ("server_port", 4096),
        ("stop_idle_minutes", 0),
        ("t3_homes", ()),
        ("terminal", "kitty"),
        ("vault", False),
        ("quiet_from", "22:30"),
        ("quiet_from", ""),
    ],
)
def test_what_can_be_used_is_taken(name: str, value: object) -> None:
    settings = changed(Settings(), name, value)
    check(settings, name)
    assert getattr(settings, name) == value


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("server_url", "box.local", "is missing"),
        ("server_url", "http://me:hush@box", "password do not belong"),
        ("server_port", 80, "between 1024 and 65535"),
        ("server_port", 65_536, "between 1024 and 65535"),
        ("server_url", "http://127.0.0.1:99999", "is not an address"),
        ("stop_idle_minutes", -1, "0, or 1 to 10,080 minutes"),
        ("stop_idle_minutes", 99999999999999999999, "0, or 1 to 10,080 minutes"),
        ("t3_idle_minutes", 0, "1 to 10,080 minutes"),
        ("t3_sweep_minutes", 10**30, "1 to 10,080 minutes"),
        ("carry_characters", 0, "1,000 to 10,000,000 characters"),
        ("carry_characters", 10**20, "1,000 to 10,000,000 characters"),
        ("vault_megabytes", 10**25, "1 to 1,000,000 MB"),
        ("terminal", "kit\nty", "cannot be shown"),
        ("t3_homes", ("code",), "not a full path"),
        ("t3_homes", ("/no/such/folder",), "There is no folder /no/such/folder"),
        ("opencode_path", "/no/such/opencode", "no program that can be run at /no/such/opencode"),
        ("opencode_path", "opencode", "no program that can be run at opencode"),
        ("appearance", "pink", "system, light or dark"),
        ("tray_icon", "", "auto, light or dark"),
        ("vault_megabytes", 0, "turn the vault off"),
        ("quiet_until", "25:00", "as in 22:30"),
        ("quiet_until", "7 am", "as in 22:30"),
        ("quiet_until", "07:00+02:00", "as in 22:30"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(name: str, value: object, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        check(changed(Settings(), name, value), name)


def test_a_program_that_can_be_run_is_taken(tmp_path: Path) -> None:
    program = tmp_path / "opencode"
    program.write_text("#!/bin/sh\n")
    with pytest.raises(UsageError):
        check(replace(Settings(), opencode_path=str(program)), "opencode_path")
    program.chmod(0o700)
    check(replace(Settings(), opencode_path=str(program)), "opencode_path")


@pytest.mark.parametrize(("name", "value"), [("nothing", 1), ("vault", "perhaps"), ("server_port", "soon"), ("t3_homes", "/a")])
def test_what_is_no_setting_or_no_value_of_it_is_refused(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name):
        changed(Settings(), name, value)


def test_every_setting_has_a_rule_and_its_default_may_be_used() -> None:
    default = Settings()
    assert set(RULES) == set(asdict(default))
    assert not [name for name, value in asdict(default).items() if trouble_with(name, value)]


@given(value=st.one_of(st.integers(), st.text(), st.booleans(), st.floats(), st.none(), st.tuples(st.text())))
def test_a_rule_answers_whatever_the_value_is(value: object) -> None:
    assert all(isinstance(trouble_with(name, value), str) for name in RULES)


@pytest.mark.parametrize("name", sorted(STATE))
def test_state_is_no_setting_and_the_command_for_it_is_named(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        refuse_state(name)
    assert name in refused.value.message and refused.value.hint
