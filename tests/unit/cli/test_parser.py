"""The command line's arguments: invalid ones are reported as text or as a document, before anything is opened."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from t3tray.cli import parser as cli

UNREADABLE = "\udcff\udcfe"


def refused(*words: str) -> tuple[str, str]:
    """Return the error for arguments that must end with exit code 2."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended:
        cli.parse(words, out, err)
    assert ended.value.code == 2
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("send", "3f2a", UNREADABLE), "UTF-8"),
        (("new", "--dir", f"/tmp/{UNREADABLE}"), "UTF-8"),
        (("send", "3f2a", ""), "is empty"),
        (("send", "3f2a", " \n\t"), "is empty"),
        (("new", "--dir", "/tmp", "--prompt", " "), "is empty"),
        (("adopt", "nonsense"), "is no session"),
        (("adopt", "ses_../global/health"), "is no session"),
        (("adopt", "ses_"), "is no session"),
        (("show",), "THREAD"),
        (("dance",), "dance"),
        (("threads", "--al"), "--al"),
        (("guard", "off", "--in", "--ye"), "--in"),
        (("--dem",), "--dem"),
        (("--demo", "threads"), "cannot be combined"),
    ],
)
def test_words_that_are_off_are_told_in_words_and_as_a_document(words: tuple[str, ...], said: str) -> None:
    out, err = refused(*words)
    assert out == "" and said in err and err.startswith("Invalid command: ")
    out, err = refused(*words, "--json")
    error = json.loads(out)["error"]
    assert err == "" and said in error["message"] and error["code"] == 2
    out.encode()


def test_good_words_are_taken_as_they_are() -> None:
    assert cli.parse(["send", "3f2a", " größer\n"], io.StringIO(), io.StringIO()).text == " größer\n"
    assert cli.parse(["adopt", "ses_5Fg3"], io.StringIO(), io.StringIO()).session == "ses_5Fg3"


@pytest.mark.process
def test_bytes_of_the_process_that_are_not_utf_8_end_it_with_2_and_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-m", "t3tray", "show", b"\xff\xfe"], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Traceback" not in done.stderr and b"is not UTF-8" in done.stderr


@pytest.mark.parametrize("words", [("--data-dir", "/x", "threads"), ("threads", "--data-dir", "/x")])
def test_the_data_folder_is_named_before_the_command_or_after_it(words: tuple[str, ...]) -> None:
    assert cli.parse(words, io.StringIO(), io.StringIO()).data_dir == "/x"
    assert cli.parse(("threads",), io.StringIO(), io.StringIO()).data_dir is None


@pytest.mark.parametrize("options", [(), ("--data-dir", "/x"), ("--data-dir=/x",)])
@pytest.mark.parametrize("link", ["t3tray://thread/a", "T3TRAY:nonsense"])
def test_a_link_stands_in_the_place_of_a_command(options: tuple[str, ...], link: str) -> None:
    arguments = cli.parse((*options, link), io.StringIO(), io.StringIO())
    assert (arguments.command, arguments.link, arguments.data_dir) == (None, link, "/x" if options else None)
    assert cli.parse(options, io.StringIO(), io.StringIO()).link == ""


def test_elsewhere_a_link_is_a_text_like_any_other() -> None:
    link = "t3tray://thread/a"
    sent = cli.parse(("send", "3f2a", link), io.StringIO(), io.StringIO())
    assert (sent.command, sent.text, sent.link) == ("send", link, "")
    named = cli.parse(("--data-dir", link), io.StringIO(), io.StringIO())
    assert (named.data_dir, named.link) == (link, "")
    # A link in which a desktop leaves a quotation mark unquoted may become several arguments.
    for words in ((link, "--demo"), (link, "threads"), (link, "--data-dir", "/x"), ("--demo", link), (link, link)):
        assert refused(*words)[1].startswith("Invalid command: ")


def test_every_command_has_a_line_in_the_help_and_in_the_document() -> None:
    told = cli.build_parser().format_help()
    commands = re.findall(r"[\w-]+", refused("dance")[1].partition("choose from")[2].partition(")")[0])
    document = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text("utf-8")
    assert "attach" in commands
    for name in commands:
        assert re.search(rf"^    {name} {{2,}}\S", told, re.MULTILINE), f"{name} stands in no help"
        assert f"`t3tray {name}" in document, f"{name} stands in no document"


@pytest.mark.process
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("words", [("settings",), ("settings", "--json"), ("--help",), ("send", "--help")])
def test_an_answer_that_cannot_be_written_is_no_mistake_of_ours(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        argv = [sys.executable, "-m", "t3tray", *words]
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 4 and b"Traceback" not in done.stderr
    assert done.stderr.startswith(b"The output could not be written: ") and b"standard output: No space left" in done.stderr


@pytest.mark.process
def test_help_reaches_a_stream_that_takes_ascii_only(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    words = [sys.executable, "-m", "t3tray", "remedy", "--help"]
    done = subprocess.run(words, capture_output=True, check=False, env=environment)
    assert done.returncode == 0 and b"bind, release, ?" in done.stdout and done.stderr == b""


@pytest.mark.process
def test_help_that_nobody_reads_to_its_end_ends_well() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-m", "t3tray", "--help"], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_who_reads_lines_is_told_by_a_line_what_is_wrong_with_the_words() -> None:
    out, err = refused("run", "--json", "--dance")
    assert err == "" and out.count("\n") == 1 and out.endswith("\n")
    told = json.loads(out)
    assert list(told) == ["at", "kind", "error"] and told["kind"] == "error" and "--dance" in told["error"]["message"]
