"""What came of the tests of each part, from pytest's report."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Result:
    """What came of one part: how many tests passed, which failed, and how many could not be tried, by the reason."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    not_possible: dict[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Nothing failed, and something was tried."""
        return bool(self.passed) and not self.failed

    def __str__(self) -> str:
        said = [f"{self.passed} passed"] if self.passed else []
        said += [f"{len(self.failed)} FAILED"] if self.failed else []
        said += [f"{sum(self.not_possible.values())} not possible"] if self.not_possible else []
        return ", ".join(said) or "NOTHING TRIED"


def read(report: Path, parts: Mapping[str, tuple[str, ...]]) -> dict[str, Result]:
    """The results of these parts; each names the test files that it has, without folder and suffix."""
    results = {part: Result() for part in parts}
    part_of = {test.partition("::")[0]: part for part, tests in parts.items() for test in tests}
    for case in ET.parse(report).iter("testcase"):
        # A file that cannot be imported stands there with a name and without a class.
        file = (case.get("classname") or case.get("name") or "").rpartition(".")[2]
        result = results.get(part_of.get(file, ""))
        if result is None:
            continue  # of a run that was broken off, without a name
        skipped = case.find("skipped")
        trouble = next((found for tag in ("failure", "error") if (found := case.find(tag)) is not None), None)
        if trouble is not None:
            said = (trouble.get("message") or "").splitlines()
            result.failed.append(f"{file}::{case.get('name')}: {said[0] if said else 'no reason told'}")
        elif skipped is not None:
            why = skipped.get("message") or "skipped without a reason"
            result.not_possible[why] = result.not_possible.get(why, 0) + 1
        else:
            result.passed += 1
    return results
