"""The table of `make test-versions` counts each test in its place."""

from __future__ import annotations

from pathlib import Path

from tests.versions.results import Result, read

REPORT = """<testsuites><testsuite>
  <testcase classname="tests.integration.test_a" name="test_one"/>
  <testcase classname="tests.integration.test_a" name="test_two"><failure message="assert 1&#10;more"/></testcase>
  <testcase classname="tests.integration.test_b" name="test_three"><skipped message="it cannot"/></testcase>
  <testcase classname="" name=""><error message="broken off"/></testcase>
  <testcase classname="" name="tests.integration.test_c"><error message="collection failure"/></testcase>
</testsuite></testsuites>"""


def test_what_passed_failed_or_cannot_be_tried_is_counted_for_its_part(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    found = read(report, {"a": ("test_a",), "b and c": ("test_b", "test_c::test_four"), "d": ("test_d",)})
    assert found["a"] == Result(1, ["test_a::test_two: assert 1"])
    assert found["b and c"] == Result(0, ["test_c::tests.integration.test_c: collection failure"], {"it cannot": 1})
    assert [str(result) for result in found.values()] == ["1 passed, 1 FAILED", "1 FAILED, 1 not possible", "NOTHING TRIED"]
    assert not any(result.is_good for result in found.values())
    assert Result(2, [], {"it cannot": 1}).is_good
