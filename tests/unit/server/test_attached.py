"""A server that t3tray did not start: its address, user and password, and the sentences where it cannot be reached."""

from __future__ import annotations

import asyncio
import base64
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from t3tray.errors import Unsupported, UsageError
from t3tray.opencode.health_request import ask_health
from t3tray.server.attached import attached_server, refuse_bad_address
from t3tray.server.handles import ExternalServer
from t3tray.settings.definitions import Settings
from t3tray.settings.kinds import DOTS
from t3tray.settings.preferences import SERVER_SECRET, Preferences
from t3tray.settings.stored import read_settings
from t3tray.system.environment import is_loopback, without_proxies
from t3tray.system.secrets import Secrets
from t3tray.system.sql_thread import SqlThread
from tests.support.stores import open_store

URL = "http://box:4096"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@asynccontextmanager
async def serving(user: str = "opencode", context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Yield the port of a server that requires this user, with the password "password-of-this-test"."""
    wanted = f"Basic {base64.b64encode(f'{user}:password-of-this-test'.encode()).decode()}"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Not to the end of a request: what is none is answered too.
        asked = (await reader.read(4096)).decode(errors="replace")
        body = b'{"healthy":true,"version":"1.18.33"}'
        status = "200 OK" if wanted in asked else "401 Unauthorized"
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def test_the_environment_goes_before_the_settings(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    place = secrets.store(SERVER_SECRET, "kept-of-this-test")
    settings = Settings(server_url=URL, server_user="alice", server_password_place=place)
    assert attached_server(Settings(), {}, secrets) is None
    assert attached_server(settings, {}, secrets) == ExternalServer(URL, "kept-of-this-test", "alice")
    environment = {"OPENCODE_SERVER_USERNAME": "bob", "OPENCODE_SERVER_PASSWORD": "password-of-this-test"}
    assert attached_server(settings, environment, secrets) == ExternalServer(URL, "password-of-this-test", "bob")
    other = attached_server(settings, {"T3TRAY_SERVER_URL": "http://other"}, secrets)
    assert other == ExternalServer("http://other", None, "alice"), "a kept password goes to no other address"
    assert attached_server(Settings(server_url=URL), {}, secrets) == ExternalServer(URL, None, "opencode")


async def test_its_own_users_name_is_used() -> None:
    async with serving("alice") as port:
        assert await ask_health(f"http://127.0.0.1:{port}", "password-of-this-test", user="alice") == "1.18.33"


async def test_the_password_is_kept_apart_replaced_and_forgotten(tmp_path: Path) -> None:
    run_sql, secrets = SqlThread("sql"), Secrets(tmp_path)
    store = open_store(tmp_path, lambda: NOON)

    async def go_by(_settings: Settings) -> None:
        """No server runs that has to follow the change."""

    preferences = Preferences(store.settings, run_sql, read_settings(store.settings), go_by, secrets)
    await preferences.change("server_password", "hush")
    assert "hush" not in repr(preferences.current)
    assert secrets.read(SERVER_SECRET, preferences.current.server_password_place) == "hush"
    await preferences.change("server_password", DOTS)
    assert secrets.read(SERVER_SECRET, preferences.current.server_password_place) == "hush", "the dots are no password"
    assert b"hush" not in (tmp_path / "t3tray.sqlite").read_bytes()
    await preferences.change("server_password", "")
    assert (preferences.current.server_password_place, secrets.read(SERVER_SECRET, "file")) == ("", None)
    run_sql.close()
    store.close()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://me:hush@box:4096", "Must not contain a user or password"),
        ("https://hush@box", "Must not contain a user or password"),
        ("127.0.0.1:4096", "Must begin with http:// or https://."),
        ("box:4096/hush", "Must begin with http:// or https://."),
        ("ftp://box", "An address begins with http:// or https://"),
    ],
)
def test_a_bad_address_in_the_variable_is_refused_and_never_repeated(address: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        refuse_bad_address({"T3TRAY_SERVER_URL": address})
    assert told in error.value.message
    assert "hush" not in f"{error.value.message} {error.value.hint}" and address not in error.value.message


async def test_plain_http_behind_https_is_named() -> None:
    async with serving() as port:
        url = f"https://127.0.0.1:{port}"
        with pytest.raises(Unsupported) as error:
            await ask_health(url, "password-of-this-test")
    assert (error.value.message, error.value.hint) == (
        f"{url} uses plain http, not https.",
        "Use http:// in its address.",
    )


@pytest.mark.process
@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is nothing to make a certificate with")
async def test_a_certificate_that_is_not_trusted_is_named(tmp_path: Path) -> None:
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(words.split(), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    async with serving(context=context) as port:
        url = f"https://127.0.0.1:{port}"
        with pytest.raises(Unsupported) as error:
            await ask_health(url, "password-of-this-test")
    assert error.value.message.startswith(f"The certificate of {url} is not trusted: self")
    assert "password-of-this-test" not in error.value.message


def test_no_proxy_is_asked_for_this_machine() -> None:
    child = {"HTTP_PROXY": "http://proxy", "https_proxy": "http://proxy", "All_Proxy": "x", "NO_PROXY": "box", "PATH": "/bin"}
    assert without_proxies(child) == {"NO_PROXY": "box", "PATH": "/bin"}
    assert [is_loopback(url) for url in ("http://127.0.0.1:1", "http://localhost", "http://[::1]:1", "https://box", "x")] == [
        True,
        True,
        True,
        False,
        False,
    ]
