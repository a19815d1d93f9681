"""The workflows of hosted CI call what exists here, with least permissions, and print no secret. They are run on GitHub alone."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from t3tray import __version__

ROOT = Path(__file__).parents[3]
WORKFLOWS = ROOT / ".github" / "workflows"
NAMES = ("ci", "release")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def workflow(name: str) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text(encoding="utf-8"))
    return document


def triggers(name: str) -> set[str]:
    # YAML 1.1, which PyYAML reads, takes the key `on` for true.
    return set(workflow(name)[True])


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in workflow(name)["jobs"].values():
        yield from job["steps"]


def scripts(name: str) -> set[str]:
    return {path for step in steps(name) for path in re.findall(r"packaging/[\w./-]+", step.get("run", ""))}


@pytest.mark.parametrize("name", NAMES)
def test_every_target_and_script_exists(name: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE))
    called = {
        word
        for step in steps(name)
        for words in re.findall(r"\bmake ((?:[\w-]+ ?)+)", step.get("run", ""))
        for word in words.split()
    }
    assert called and called <= targets, called - targets
    assert scripts(name)
    for path in scripts(name):
        assert os.access(ROOT / path, os.X_OK), path


@pytest.mark.parametrize("name", NAMES)
def test_permissions_are_the_least_and_actions_are_pinned(name: str) -> None:
    document = workflow(name)
    assert document["permissions"] == {"contents": "read"}
    more = {job: body["permissions"] for job, body in document["jobs"].items() if "permissions" in body}
    assert more == ({"release": {"contents": "write"}} if name == "release" else {})
    for step in steps(name):
        assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/none@v1")), step
        # Otherwise the token stays in the checkout, where every program of a later step can read it.
        assert "checkout" not in step.get("uses", "") or step["with"]["persist-credentials"] is False
    for job in document["jobs"].values():
        assert job["timeout-minutes"] <= 90
    # It would give the secrets to code of anybody.
    assert "pull_request_target" not in triggers(name)
    assert triggers("release") == {"workflow_dispatch", "push"} and set(workflow("release")[True]["push"]) == {"tags"}


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_printed(name: str) -> None:
    document = workflow(name)
    given: set[str] = set()
    for step in steps(name):
        for place, value in step.items():
            if place != "env":
                assert "secrets." not in str(value), f"a secret is put into {place}: {value}"
        given |= {variable for variable, value in step.get("env", {}).items() if "secrets." in str(value)}
    assert "secrets." not in str([document.get("env"), *(job.get("env") for job in document["jobs"].values())])
    assert bool(given) == (name == "release")
    texts = [step.get("run", "") for step in steps(name)]
    texts += [(ROOT / path).read_text(encoding="utf-8") for path in scripts(name) if path.endswith(".sh")]
    for text in texts:
        assert not re.search(r"set -\w*x|printenv|^\s*env\s*$", text, re.MULTILINE)
        for line in text.splitlines():
            if any(re.search(rf"\$\{{?{variable}\b(?!:-\}}\" \])", line) for variable in given) and re.search(
                r"echo|printf|cat\b", line
            ):
                assert re.search(r'>"\$(key|certificate)"$', line), line


def test_the_oldest_python_is_the_one_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    jobs = workflow("ci")["jobs"]
    assert jobs["linux"]["strategy"]["matrix"]["python"][0] == oldest
    setup = next(step for step in workflow("release")["jobs"]["check"]["steps"] if "setup-python" in step.get("uses", ""))
    assert setup["with"]["python-version"] == oldest


def test_on_windows_the_commands_are_those_of_the_targets() -> None:
    script = (ROOT / "packaging" / "windows" / "on_windows.sh").read_text(encoding="utf-8")
    for target in ("freeze", "smoke"):
        recipe = re.search(rf"^{target}:.*\n\t@(.*)$", MAKEFILE, re.MULTILINE)
        assert recipe
        (program,) = re.findall(r"packaging/[\w./]+", recipe[1])
        assert re.search(rf"^(\"\$PYTHON\" )?{program}", script, re.MULTILINE), program


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """What the jobs of a release hand on: each package, empty but for its name."""
    names = ["-py3-none-any.whl", ".tar.gz", "-windows-x64-setup.exe", "-macos-arm64.dmg", "-macos-x86_64.dmg"]
    for name in (*(f"t3tray-{__version__}{end}" for end in names), f"t3tray_{__version__}_amd64.deb"):
        (tmp_path / name).write_text(name)
    for architecture in ("arm64", "x86_64"):
        (tmp_path / f"signed-{architecture}.txt").write_text("dist/t3tray.app is signed by Somebody and notarised.\n")
    (tmp_path / "oldest-macos.txt").write_text("14.0\n")
    return tmp_path


def make_release(folder: Path, ref: str = "") -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "packaging" / "make_release.sh"), str(folder), "https://example.org/t3tray", ref]
    return subprocess.run(command, capture_output=True, text=True, timeout=90)


@pytest.mark.process
def test_a_release_has_sums_recipes_and_says_what_is_not_signed(built: Path) -> None:
    done = make_release(built, f"refs/tags/v{__version__}")
    assert done.returncode == 0, done.stderr
    sums = dict(line.split(maxsplit=1)[::-1] for line in (built / "SHA256SUMS").read_text().splitlines())
    assert {path.name for path in built.iterdir()} == {*sums, "SHA256SUMS"} and len(sums) == 8
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=built, check=True, timeout=90)
    for recipe, packages in (("t3tray-formula.rb", [".tar.gz"]), ("t3tray-cask.rb", ["-macos-arm64.dmg", "-macos-x86_64.dmg"])):
        text = (built / recipe).read_text()
        assert not re.search("@[A-Z]", text) and "https://example.org/t3tray/releases" in text
        assert all(sums[f"t3tray-{__version__}{package}"] in text for package in packages)
    assert ":sonoma" in (built / "t3tray-cask.rb").read_text()
    assert "Windows: not signed" in done.stdout and "and notarised." in done.stdout


@pytest.mark.process
def test_without_an_apple_certificate_there_is_no_cask_and_that_is_said(built: Path) -> None:
    sentence = "dist/t3tray.app is signed by Somebody and not notarised: no T3TRAY_NOTARY_KEY was given."
    (built / "signed-x86_64.txt").write_text(sentence)
    done = make_release(built)
    assert done.returncode == 0 and sentence in done.stdout and "There is no cask" in done.stdout
    assert not (built / "t3tray-cask.rb").exists() and "t3tray-cask" not in (built / "SHA256SUMS").read_text()


@pytest.mark.process
def test_a_release_of_another_tag_or_with_a_package_missing_is_refused(built: Path) -> None:
    done = make_release(built, "refs/tags/v0.0.0")
    assert done.returncode == 1 and f"the source is {__version__}" in done.stderr
    next(built.glob("*.deb")).unlink()
    done = make_release(built)
    assert done.returncode == 1 and ".deb" in done.stderr
