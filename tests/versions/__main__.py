"""The integration tests that matter on each version of OpenCode that t3tray supports: `make test-versions` prints a table.

`python -m tests.versions [VERSION …]`. The versions lie in `.tools/versions`, where `packaging/setup.sh versions` puts them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from t3tray.domain.versions import minimum
from tests.versions.results import Result, read

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = (minimum(), "1.17.11", "1.18.33")
PARTS = {
    "routes and events": ("test_client_real",),
    "managed server": ("test_managed_server::test_the_real_one_starts_comes_back_after_a_kill_and_is_adopted",),
    "send and follow": ("test_sending", "test_turns"),
    "what is carried": ("test_carries", "test_carries_commands"),
    "remedies": ("test_remedies", "test_split_remedies", "test_older_versions"),
    "both sides, heal": ("test_two_sides", "test_healing"),
    "right database": ("test_right_database",),
    "guard": ("test_guard_scenarios",),
    "no passwords kept": ("test_password",),
}
# It is no OpenCode 1: what can be tried is that it is named, and that nothing is made in it.
OPENCODE2 = {"named, nothing made": ("test_opencode2",)}
# Two cores: one of two waits for a server at any time.
PROCESSES = "2"
_LIMIT = 7_200.0


def tried(parts: Mapping[str, tuple[str, ...]], version: str, binary: Path | None) -> dict[str, Result]:
    """Run the tests of these parts with this program first on the PATH. pytest tells how far it is."""
    environment = {**os.environ, "T3TRAY_OPENCODE_VERSION": version}
    if binary:
        environment["PATH"] = os.pathsep.join([str(binary), environment["PATH"]])
    named = [test.replace("::", ".py::") if "::" in test else f"{test}.py" for tests in parts.values() for test in tests]
    with TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        options = ["-q", "-p", "no:cacheprovider", "-n", PROCESSES, "--dist", "loadfile", f"--junit-xml={report}"]
        command = [sys.executable, "-m", "pytest", *options, *(f"tests/integration/{test}" for test in named)]
        try:
            done = subprocess.run(command, cwd=ROOT, env=environment, timeout=_LIMIT)
        except subprocess.TimeoutExpired:
            return {part: Result(failed=[f"pytest did not come to its end in {_LIMIT:.0f} s"]) for part in parts}
        if not report.exists():
            return {part: Result(failed=["pytest ended without a report"]) for part in parts}
        results = read(report, parts)
    if done.returncode not in (0, 1):
        for result in results.values():
            result.failed.append(f"pytest was broken off ({done.returncode})")
    return results


def version_at(folder: Path) -> str:
    """What the program there says."""
    said = subprocess.run([folder / "opencode", "--version"], capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r"\d+\.\d+\.\d+\S*", said)
    assert found, f"{folder / 'opencode'} does not say its version: {said!r}"
    return found[0]


def main(wanted: tuple[str, ...]) -> int:
    versions = wanted or VERSIONS
    columns: dict[str, dict[str, Result]] = {}
    for version in versions:
        folder = ROOT / ".tools" / "versions" / version / "bin"
        assert version_at(folder) == version, f"{folder} holds another version"
        print(f"OpenCode {version}", flush=True)
        began = time.monotonic()
        columns[version] = tried(PARTS, version, folder)
        print(f"OpenCode {version}: {time.monotonic() - began:.0f} s\n", flush=True)
    print("OpenCode 2, a program that answers like it", flush=True)
    (opencode2,) = tried(OPENCODE2, "", None).values()
    show(columns, opencode2)
    return int(not all(result.is_good for result in (*(r for column in columns.values() for r in column.values()), opencode2)))


def show(columns: dict[str, dict[str, Result]], opencode2: Result) -> None:
    """The table, in Markdown; below it what failed, and why what was not tried is not possible."""
    print(f"\n| tests | {' | '.join(columns)} | OpenCode 2 (recorded) |\n|{' --- |' * (len(columns) + 2)}")
    for part in PARTS:
        print(f"| {part} | {' | '.join(str(column[part]) for column in columns.values())} | not possible |")
    print(f"| {next(iter(OPENCODE2))} | {' | '.join('-' for _ in columns)} | {opencode2} |\n")
    for version, column in columns.items():
        for why in sorted({why for result in column.values() for why in result.not_possible}):
            print(f"{version}, not possible: {why}")
    print(f"OpenCode 2, not possible: t3tray works with OpenCode {minimum()} or a newer 1.x, says so, and makes nothing there.")
    for version, column in {**columns, "OpenCode 2": {next(iter(OPENCODE2)): opencode2}}.items():
        for failure in (failure for result in column.values() for failure in result.failed):
            print(f"{version}, FAILED: {failure}")


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:])))
