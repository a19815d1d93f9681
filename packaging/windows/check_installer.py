"""Checks t3tray.iss without Inno Setup: `check_installer.py [FILE]`. Prints each problem; exit code 1 if there is one."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("t3tray.iss")
# A section to its entries, each a parameter to its value. [Setup] is one entry of all its directives.
Script = Mapping[str, list[dict[str, str]]]

_PARAMETER = re.compile(r'\s*(\w+)\s*:\s*("(?:[^"]|"")*"|[^;]*)\s*(?:;|$)')
_EXPECTED = {
    "PrivilegesRequired": "lowest",
    "DefaultDirName": r"{autopf}\t3tray",
    "AppVersion": "{#Version}",
    "ArchitecturesInstallIn64BitMode": "x64compatible",
}


def parse(text: str) -> Script:
    """Return the sections of a script. Raises ValueError at a line that is none of Inno Setup's forms."""
    found: dict[str, list[dict[str, str]]] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith((";", "#")):
            continue
        if re.fullmatch(r"\[\w+\]", line):
            section = line[1:-1]
            found[section] = [{}] if section == "Setup" else []
        elif section == "Setup" and "=" in line:
            name, _, value = line.partition("=")
            if name in found[section][0]:
                raise ValueError(f"line {number}: {name} is given twice")
            found[section][0][name] = value
        elif section and section != "Setup":
            found[section].append(_parameters(line, number))
        else:
            raise ValueError(f"line {number}: {line}")
    return found


def _parameters(line: str, number: int) -> dict[str, str]:
    entry, at = dict[str, str](), 0
    while at < len(line):
        parameter = _PARAMETER.match(line, at)
        if not parameter:
            raise ValueError(f"line {number}: {line[at:]}")
        name, value = parameter.groups()
        entry[name] = value[1:-1].replace('""', '"') if value.startswith('"') else value.strip()
        at = parameter.end()
    return entry


def problems(script: Script, mutex: str) -> list[str]:
    """Return what is wrong, one sentence each. `mutex` is the one that the program creates."""
    setup = script["Setup"][0]
    found = [f"{name} is {setup.get(name)!r}, not {value!r}" for name, value in _EXPECTED.items() if setup.get(name) != value]
    if setup.get("AppMutex") != mutex:
        found.append(f"AppMutex is {setup.get('AppMutex')!r}; the program creates {mutex!r}")
    if not re.fullmatch(r"\{\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}", setup.get("AppId", "")):
        found.append("AppId is no GUID")
    if "PrivilegesRequiredOverridesAllowed" in setup:
        found.append("it can be installed for all users: AppMutex and the registry are one user's")
    for entry in script.get("Registry", []):
        if entry["Root"] not in ("HKA", "HKCU"):
            found.append(f"{entry['Subkey']} is written for all users")
    runs = [(entry["Filename"], entry.get("Parameters")) for entry in script.get("UninstallRun", [])]
    if runs != [(r"{app}\t3trayc.exe", "uninstall --yes")]:
        found.append(f"the uninstaller runs {runs}")
    elif "RunOnceId" not in script["UninstallRun"][0] or "nowait" in script["UninstallRun"][0].get("Flags", ""):
        found.append("the uninstaller removes the files before the program has ended, or runs it twice")
    opened = [entry["ValueData"] for entry in script.get("Registry", []) if entry["Subkey"].endswith(r"\open\command")]
    if opened != [r'"{app}\t3tray.exe" "%1"']:
        found.append(f"a link opens {opened}")
    return found


def main(file: Path) -> int:
    """Check a script and print the result."""
    sys.path.insert(0, str(ROOT))
    from t3tray.system.instance_lock import MUTEX

    found = problems(parse(file.read_text("utf-8")), MUTEX)
    for problem in found:
        print(f"{file.name}: {problem}")
    print(f"{file.name}: {len(found)} problems")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else SCRIPT))
