"""No secret stays in a text that may leave the machine, wherever it is in it; all other text stays readable."""

from __future__ import annotations

import json
import string
from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.domain.redaction import GONE, PASSWORD_MARK, concealed, may_hold_password, redacted

# Anything that can be typed but blanks; long enough that it is not in the text by chance.
SECRETS = st.text(
    st.sampled_from(string.ascii_letters + string.digits + "!$%()*+,-./:;<=>?@[]^_{|}~&#é"), min_size=8, max_size=40
).map(lambda text: f"x7{text}q9")
PLACES = (
    lambda secret: f"OPENCODE_SERVER_PASSWORD={secret}",
    lambda secret: f"password: {secret}",
    lambda secret: f"api_key = {secret}, model = stub",
    lambda secret: f"--token {secret} --port 4096",
    lambda secret: f"Authorization: Bearer {secret}",
    lambda secret: f"authorization: Basic {b64encode(f'opencode:{secret}'.encode()).decode()}",
    lambda secret: f"GET http://opencode:{secret}@127.0.0.1:4096/session failed",
    lambda secret: f"Cookie: session={secret}; theme=dark",
    lambda secret: json.dumps({"ANTHROPIC_API_KEY": secret, "model": "stub"}),
    lambda secret: repr({"secret": secret}),
    lambda secret: repr(("Authorization", f"Bearer {secret}")),
    lambda secret: f"https://example.org/callback?access_token={secret}",
)


@given(
    st.lists(
        st.tuples(SECRETS, st.sampled_from(PLACES), st.text(st.characters(codec="utf-8"), max_size=40)), min_size=1, max_size=6
    )
)
def test_a_planted_secret_is_never_left(planted: list[tuple[str, Callable[[str], str], str]]) -> None:
    text = "\n".join(f"{place(secret)}\n{noise}" for secret, place, noise in planted)
    cleaned = redacted(text)
    for secret, _, noise in planted:
        if secret not in noise:
            assert secret not in cleaned
            assert b64encode(f"opencode:{secret}".encode()).decode() not in cleaned


@given(SECRETS, st.text(max_size=60), st.text(max_size=60))
def test_a_secret_that_is_known_goes_wherever_it_stands(secret: str, before: str, after: str) -> None:
    assert secret not in redacted(before + secret + after, known=[secret])


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ant-" + "a1" * 16,
        "ghp_" + "a1" * 18,
        "github_pat_" + "a1" * 20,
        "AKIAABCDEFGHIJKLMNOP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----",
    ],
)
def test_what_is_a_secret_by_its_shape_goes_too(secret: str) -> None:
    assert redacted(f"found {secret} here") == f"found {GONE} here"


def test_what_is_no_secret_can_still_be_read() -> None:
    text = "\n".join(
        (
            "server ready at http://127.0.0.1:4096, OpenCode 1.18.33, 300 MB",
            "session ses_5e1f in /code/parser: 41 messages, tokens=1200, guard_secret_place  file",
            'File "/opt/t3tray/backend/engine.py", line 12, in connect',
            "see https://example.org/@scope/package",
        )
    )
    assert redacted(text) == text


def test_the_home_folder_is_a_tilde_and_only_that() -> None:
    text = "/home/anna/src /home/anna /home/annabel/src (/home/anna) /home/anna.old"
    assert redacted(text, home="/home/anna/") == "~/src ~ /home/annabel/src (~) /home/anna.old"


OURS = f"{PASSWORD_MARK}Zk3_x-9"
HEADER = b64encode(f"opencode:{OURS}".encode()).decode()


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (f"HOME=/home/anna\nX={OURS}\nY=1", f"HOME=/home/anna\nX={GONE}\nY=1"),
        (f"curl -u opencode:{OURS} http://127.0.0.1", f"curl -u opencode:{GONE} http://127.0.0.1"),
        (f"Authorization: Basic {HEADER}", f"Authorization: Basic {GONE}"),
        ("OPENCODE_SERVER_PASSWORD=pw\nPATH=/bin", f"OPENCODE_SERVER_PASSWORD={GONE}\nPATH=/bin"),
        ('declare -x OPENCODE_SERVER_PASSWORD="pw"', f'declare -x OPENCODE_SERVER_PASSWORD="{GONE}"'),
        ("{'OPENCODE_SERVER_PASSWORD': 'pw'}", f"{{'OPENCODE_SERVER_PASSWORD': '{GONE}'}}"),
        ("the word is swordfish1, not sword", f"the word is {GONE}, not sword"),
    ],
)
def test_a_conversation_loses_the_passwords_and_nothing_else(said: str, left: str) -> None:
    assert concealed(said, ["swordfish1", "sword"]) == left
    # As it is read: a text in a JSON document, and a JSON document as a text in another one.
    for document in (json.dumps({"output": said}), json.dumps({"data": json.dumps({"output": said})})):
        found = json.loads(concealed(document, ["swordfish1"]))
        inner = found if "output" in found else json.loads(found["data"])
        assert inner == {"output": left}
    assert may_hold_password(said.encode(), [b"swordfish1"])


def test_what_is_no_password_stays_in_a_conversation() -> None:
    said = (
        "password: hunter2, token=abc, OPENCODE_SERVER_PASSWORD=$(pass show opencode) OPENCODE_SERVER_PASSWORD=<yours> t3tray-pw"
    )
    assert concealed(said) == said
    assert not may_hold_password(b"password: hunter2")


@given(st.text())
def test_a_password_of_ours_goes_whatever_stands_around_it(noise: str) -> None:
    assert OURS not in concealed(f"{noise} {OURS}{noise}")
    assert OURS not in redacted(f"{noise} {OURS}{noise}")
