"""What the installer for Windows does, as far as its script says, and what the properties of the programs say."""

from __future__ import annotations

import pytest
from check_installer import SCRIPT, parse, problems
from version_info import numbers, strings

from t3tray.system.instance_lock import MUTEX

TEXT = SCRIPT.read_text("utf-8")


def test_the_installer_is_for_one_user_waits_for_the_running_program_and_its_uninstaller_lets_t3tray_clean_up() -> None:
    assert problems(parse(TEXT), MUTEX) == []


@pytest.mark.parametrize(
    ("written", "instead", "problem"),
    [
        ("PrivilegesRequired=lowest", "PrivilegesRequired=admin", "PrivilegesRequired is 'admin', not 'lowest'"),
        (f"AppMutex={MUTEX}", "AppMutex=other", f"AppMutex is 'other'; the program creates {MUTEX!r}"),
        ('"uninstall --yes"', '"uninstall"', r"the uninstaller runs [('{app}\\t3trayc.exe', 'uninstall')]"),
        ("waituntilterminated", "nowait", "the uninstaller removes the files before the program has ended, or runs it twice"),
        ("Root: HKA", "Root: HKLM", r"Software\Classes\t3tray is written for all users"),
        ('"""{app}\\t3tray.exe"" ""%1"""', '"{app}\\t3tray.exe %1"', r"a link opens ['{app}\\t3tray.exe %1']"),
        ("AppId={{7E0C", "AppId={{7E0", "AppId is no GUID"),
    ],
)
def test_a_script_that_would_do_something_else_is_found(written: str, instead: str, problem: str) -> None:
    assert written in TEXT
    assert problem in problems(parse(TEXT.replace(written, instead)), MUTEX)


def test_a_directive_given_twice_and_a_line_of_no_section_are_errors() -> None:
    with pytest.raises(ValueError, match="line 3: A is given twice"):
        parse("[Setup]\nA=1\nA=2")
    with pytest.raises(ValueError, match="line 1: A=1"):
        parse("A=1")
    with pytest.raises(ValueError, match="line 2: nothing"):
        parse("[Run]\nnothing")


@pytest.mark.parametrize(
    ("version", "compared"),
    [("0.1.0", (0, 1, 0, 0)), ("1.2", (1, 2, 0, 0)), ("1.2.3.4.5", (1, 2, 3, 4)), ("1.2b1", (1, 2, 0, 0)), ("", (0, 0, 0, 0))],
)
def test_windows_compares_the_numbers_at_the_start_of_a_version(version: str, compared: tuple[int, ...]) -> None:
    assert numbers(version) == compared


def test_each_program_has_its_own_name_in_its_properties() -> None:
    windowed, console = strings("t3tray", "1.2.3"), strings("t3trayc", "1.2.3")
    assert windowed["FileDescription"] == "t3tray" and console["OriginalFilename"] == "t3trayc.exe"
    assert {each["ProductVersion"] for each in (windowed, console)} == {"1.2.3"} and windowed.keys() == console.keys()
