"""The table of definitions: complete, in agreement with the values and with docs/settings.md; its rules, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.errors import BadValue, UsageError
from t3tray.settings.checks import changed, check, defined, parsed, refuse_unless_set_by_name
from t3tray.settings.definitions import DEFINITIONS, SHOWN_STATE, Definition, Settings, SettingsSection, definition_of
from t3tray.settings.stored import read_settings, write_settings

DOCS = Path(__file__).parents[3] / "docs" / "settings.md"


class Rows:
    """The store's rows in memory."""

    def __init__(self, **rows: str) -> None:
        self.rows = dict(rows)
        self.warnings: tuple[str, ...] = ()

    def read(self) -> dict[str, str]:
        return self.rows

    def write(self, rows: Mapping[str, str]) -> None:
        self.rows |= rows

    def report_unusable(self, warnings: tuple[str, ...]) -> None:
        self.warnings = warnings


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
def test_a_valid_value_is_accepted(name: str, value: object) -> None:
    settings = changed(Settings(), name, value)
    check(settings, name)
    assert getattr(settings, name) == value


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("server_url", "box.local", "Must begin with"),
        ("server_url", "http://me:hush@box", "Must not contain"),
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
        ("opencode_path", "/no/such/opencode", "/no/such/opencode is not an executable program"),
        ("opencode_path", "opencode", "opencode is not an executable program"),
        ("appearance", "pink", "system, light or dark"),
        ("tray_icon", "", "auto, light or dark"),
        ("vault_megabytes", 0, "To keep no copies"),
        ("quiet_until", "25:00", "as in 22:30"),
        ("quiet_until", "7 am", "as in 22:30"),
        ("quiet_until", "07:00+02:00", "as in 22:30"),
    ],
)
def test_an_invalid_value_is_refused_with_a_sentence(name: str, value: object, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        check(changed(Settings(), name, value), name)


def test_a_program_that_can_be_run_is_accepted(tmp_path: Path) -> None:
    program = tmp_path / "opencode"
    program.write_text("#!/bin/sh\n")
    with pytest.raises(UsageError):
        check(replace(Settings(), opencode_path=str(program)), "opencode_path")
    program.chmod(0o700)
    check(replace(Settings(), opencode_path=str(program)), "opencode_path")


@pytest.mark.parametrize(("name", "value"), [("nothing", 1), ("vault", "perhaps"), ("server_port", "soon"), ("t3_homes", "/a")])
def test_an_unknown_name_and_a_value_of_another_type_are_refused(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name):
        changed(Settings(), name, value)


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=str)
def test_a_definition_is_complete(definition: Definition) -> None:
    kind, default = definition.kind, definition.default
    assert definition.default == getattr(Settings(), definition.name)
    assert kind.trouble(default) == ""
    assert definition.label and not definition.label.endswith(".")
    assert definition.help == "" or definition.help.endswith(".")
    assert kind.allowed and kind.noun and definition.effect.sentence
    json_type = {bool: "boolean", int: "integer", str: "string", tuple: "array"}[type(default)]
    assert kind.json_type == json_type
    assert parsed(definition.name, kind.text(default)) == default


def test_the_definitions_are_the_fields_of_the_values_grouped_by_section() -> None:
    assert list(DEFINITIONS) == [field.name for field in fields(Settings)]
    sections = [definition.section for definition in DEFINITIONS.values()]
    assert sections == sorted(sections, key=list(SettingsSection).index) and set(sections) == set(SettingsSection)


@given(value=st.one_of(st.integers(), st.text(), st.booleans(), st.floats(), st.none(), st.tuples(st.text())))
def test_a_rule_answers_any_value(value: object) -> None:
    assert all(isinstance(definition.kind.trouble(value), str) for definition in DEFINITIONS.values())


@pytest.mark.parametrize("name", [name for name, definition in (DEFINITIONS | SHOWN_STATE).items() if definition.changed_by])
def test_what_is_not_set_by_name_is_refused_with_the_way_to_change_it(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        refuse_unless_set_by_name(defined(name))
    assert name in refused.value.message and refused.value.hint


def test_a_secret_is_set_under_a_name_of_its_own() -> None:
    assert defined("server_password").name == "server_password_place"
    assert definition_of("nothing") is None


def test_two_processes_that_set_two_settings_lose_none() -> None:
    rows = Rows()
    one, other = read_settings(rows), read_settings(rows)
    write_settings(rows, replace(one, terminal="kitty"), "terminal")
    write_settings(rows, replace(other, vault=False), "vault")
    assert read_settings(rows) == Settings(terminal="kitty", vault=False)


def test_what_is_stored_is_read_again() -> None:
    settings = Settings(terminal="kitty", t3_homes=("/a", "/b"), stop_idle_minutes=7, guard=True, quiet_from="22:30")
    rows = Rows()
    write_settings(rows, settings, *DEFINITIONS)
    assert read_settings(rows) == settings and rows.warnings == ()


@pytest.mark.parametrize("text", ["null", "not json", '{"a": 1}', '"\\u0000"', "1e400", "-1", "[[]]", ""])
def test_a_stored_value_that_cannot_be_used_is_its_default_with_a_warning(text: str) -> None:
    for name, definition in DEFINITIONS.items():
        rows = Rows(**{name: text, "of_a_newer_version": "7"})
        settings = read_settings(rows)
        if getattr(settings, name) == definition.default:
            (warning,) = rows.warnings
            assert f"The setting {name} cannot be used" in warning
            assert (definition.changed_by or f"`t3tray settings {name} VALUE`.") in warning
        else:
            assert (name, rows.warnings) == ("server_url", ()), "t3tray would use another server without saying so"


def test_an_unknown_setting_on_the_command_line_is_refused() -> None:
    with pytest.raises(UsageError, match="Unknown setting: _value"):
        parsed("_value", "1")
    with pytest.raises(BadValue, match="vault is true or false, not “perhaps”"):
        parsed("vault", "perhaps")


def test_the_documentation_has_every_setting_with_its_definition() -> None:
    """On a failure the table that belongs into docs/settings.md is in the message."""
    wanted = "\n".join(_documented())
    found = "\n".join(line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith(("## ", "|")))
    assert found == wanted, f"docs/settings.md should hold:\n{wanted}"


def _documented() -> list[str]:
    lines, section = [], None
    shown = sorted([*DEFINITIONS.values(), *SHOWN_STATE.values()], key=lambda each: list(SettingsSection).index(each.section))
    for definition in shown:
        if definition.section is not section:
            section = definition.section
            lines += [
                f"## {section}",
                "| setting | values | default | what it does | takes effect |",
                "| --- | --- | --- | --- | --- |",
            ]
        default = definition.kind.text(definition.default) or "empty"
        what = " ".join(filter(None, (f"**{definition.label}**.", definition.help, definition.changed_by)))
        effect = definition.effect.sentence.removeprefix("Takes effect ").removesuffix(".")
        lines.append(f"| `{definition.name}` | {definition.kind.allowed} | {default} | {what} | {effect} |")
    return lines


def test_the_values_are_plain_data() -> None:
    assert msgspec.json.decode(msgspec.json.encode(asdict(Settings())), type=Settings) == Settings()
