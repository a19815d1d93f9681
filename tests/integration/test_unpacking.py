"""What OpenCode unpacks at each start does not fill the disk: it goes into a folder of ours that the next start empties."""

from __future__ import annotations

from pathlib import Path

from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.stub_model import StubModel

_VARIABLE = "BUN_TMPDIR"


def test_libraries_of_one_start_are_kept_and_none_where_the_system_keeps_temporary_files(
    tmp_path: Path, opencode_home: OpenCodeHome, model: StubModel
) -> None:
    (temporary := tmp_path / "temporary").mkdir()
    program = Program(tmp_path / "data", opencode_home.environment | {"TMPDIR": str(temporary)})
    (tmp_path / "work").mkdir()
    thread = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", "hello")["id"]
    first = libraries(tmp_path / "data" / "unpacked")
    program.run("send", thread, "hello again")
    second = libraries(tmp_path / "data" / "unpacked")
    assert len(first) == len(second) > 0 and not first & second
    assert libraries(temporary) == set()


def test_a_folder_that_the_user_named_is_used_and_left_alone(
    tmp_path: Path, opencode_home: OpenCodeHome, model: StubModel
) -> None:
    (named := tmp_path / "named").mkdir()
    program = Program(tmp_path / "data", opencode_home.environment | {_VARIABLE: str(named)})
    (tmp_path / "work").mkdir()
    thread = program.json("new", "--dir", str(tmp_path / "work"), "--prompt", "hello")["id"]
    first = libraries(named)
    program.run("send", thread, "hello again")
    assert first and libraries(named) > first


def libraries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix in (".so", ".dylib", ".dll", ".node")}
