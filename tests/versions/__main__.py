"""The integration tests that matter on each version of OpenCode that t3tray supports: `make test-versions` prints a table.

`python -m tests.versions [VERSION …]`. The versions lie in `.tools/versions`, where `packaging/setup.sh versions` puts them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from t3tray.core.domain.versions import Ability, abilities_of, minimum

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = (minimum(), "1.17.11", "1.18.33")
GROUPS = {
    "routes and events": ("integration/test_client_real.py",),
    "managed server": ("integration/test_managed_server.py::test_the_real_one_starts_comes_back_after_a_kill_and_is_adopted",),
    "send and follow": ("integration/test_sending.py", "integration/test_turns.py"),
    "remedies": ("integration/test_remedies.py",),
    "carries": ("integration/test_carries.py",),
    "heal in place": ("integration/test_healing.py",),
    "right database": ("integration/test_right_database.py",),
    "guard": ("integration/test_guard_scenarios.py",),
    "no passwords kept": ("integration/test_password.py",),
}
# It is no OpenCode 1: what can be tried is that it is named, and that nothing is made in it.
OPENCODE2 = "integration/test_opencode2.py"
_LIMIT = 1800.0


@dataclass
class Result:
    """What came of one group: how many tests passed, which failed, and why others could not be tried."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    not_possible: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        said = [f"{self.passed} ok"] if self.passed else []
        said += [f"{len(self.failed)} FAILED"] if self.failed else []
        said += [f"{sum(self.not_possible.values())} not possible"] if self.not_possible else []
        return ", ".join(said) or "nothing was tried"


def tried(tests: tuple[str, ...], version: str, binary: Path | None) -> Result:
    """Run these tests with this program first on the PATH."""
    environment = {**os.environ, "T3TRAY_OPENCODE_VERSION": version}
    if binary:
        environment["PATH"] = os.pathsep.join([str(binary), environment["PATH"]])
    with TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", "--timeout", "300"]
        done = subprocess.run(
            [*command, *(f"tests/{test}" for test in tests)], cwd=ROOT, env=environment, timeout=_LIMIT, capture_output=True
        )
        result = read(report) if report.exists() else Result(failed=[done.stdout.decode(errors="replace")[-2000:]])
    for failure in result.failed:
        print(f"  FAILED {failure}", flush=True)
    return result


def read(report: Path) -> Result:
    """What pytest's report tells."""
    result = Result()
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skipped = case.find("skipped")
        trouble = next((found for tag in ("failure", "error") if (found := case.find(tag)) is not None), None)
        if trouble is not None:
            result.failed.append(f"{name}: {(trouble.get('message') or '').splitlines()[0:1]}")
        elif skipped is not None:
            why = skipped.get("message") or "skipped"
            result.not_possible[why] = result.not_possible.get(why, 0) + 1
        else:
            result.passed += 1
    return result


def version_at(folder: Path) -> str:
    """What the program there says."""
    said = subprocess.run([folder / "opencode", "--version"], capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r"\d+\.\d+\.\d+\S*", said)
    assert found, f"{folder / 'opencode'} does not say its version: {said!r}"
    return found[0]


def main(wanted: tuple[str, ...]) -> int:
    table: dict[str, dict[str, Result]] = {}
    for version in wanted or VERSIONS:
        folder = ROOT / ".tools" / "versions" / version / "bin"
        assert version_at(folder) == version, f"{folder} holds another version"
        for group, tests in GROUPS.items():
            began = time.monotonic()
            result = table.setdefault(group, {})[version] = tried(tests, version, folder)
            print(f"{version}  {group}: {result}  ({time.monotonic() - began:.0f} s)", flush=True)
    result = tried((OPENCODE2,), "", None)
    print(f"OpenCode 2  named and left alone: {result}", flush=True)
    show(table, tuple(wanted or VERSIONS), result)
    return int(any(found.failed for row in table.values() for found in row.values()) or bool(result.failed))


def show(table: dict[str, dict[str, Result]], versions: tuple[str, ...], opencode2: Result) -> None:
    """The table, in Markdown."""
    print(f"\n| tests | {' | '.join(versions)} | OpenCode 2 (recorded) |\n|{' --- |' * (len(versions) + 2)}")
    for group, row in table.items():
        print(f"| {group} | {' | '.join(str(row[version]) for version in versions)} | not possible |")
    print(f"| named, nothing made | {' | '.join('-' for _ in versions)} | {opencode2} |")
    for version in versions:
        lacks = sorted(ability for ability in Ability if ability not in abilities_of(version))
        reasons = sorted({why for row in table.values() for why in row[version].not_possible})
        if lacks or reasons:
            print(f"\n{version}: {'; '.join(reasons) or f'cannot do {chr(44).join(lacks)}'}")
    print(f"\nOpenCode 2: t3tray works with OpenCode {minimum()} or a newer 1.x, and says so.")


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:])))
