"""One session of app and commands, for tests of what leaves the machine and what logs contain.

`python -m tests.support.private_session ROOT [alone]`: everything is below ROOT. With `alone`, which needs a network namespace of
its own, only loopback exists. Where `strace` is installed, ROOT/trace-* has every address that a process of the session, OpenCode
among them, connects or sends to. It does not have what other programs do for them, as a service of the desktop would.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from t3tray.domain.redaction import PASSWORD_MARK
from tests.support.opencode import OpenCodeHome
from tests.support.private_app import TITLE, WORD
from tests.support.program import Program
from tests.support.stub_model import StubModel
from tests.support.waiting import until
from tests.support.without_network import raise_loopback

TOKEN = "tok-5d1c7e0f9a"
APP, DIAGNOSTICS = "app", "doctor --diagnostics"
LIMIT = 400.0
_CALLS = "connect,sendto,sendmsg,sendmmsg"
# As strace writes an address: sin_port=htons(80), sin_addr=inet_addr("1.2.3.4"), or inet_pton(AF_INET6, "::1", …).
_ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"')


@dataclass(frozen=True)
class Ended:
    """A process of the session that has ended."""

    words: str
    code: int
    out: str
    err: str


class Session:
    """What a session left behind in `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data"

    @property
    def ended(self) -> list[Ended]:
        return [Ended(**found) for found in json.loads((self.root / "ended.json").read_text(encoding="utf-8"))]

    def secrets(self) -> list[str]:
        """Return the token of the environment, the password of the commands' server, and how every password of ours begins."""
        return [TOKEN, (self.root / "password").read_text(encoding="utf-8"), PASSWORD_MARK]

    def logs(self) -> Iterator[tuple[str, str]]:
        """Return every text that counts as a log, with its name."""
        for path in sorted((self.data / "logs").rglob("*")):
            if path.is_file():
                yield str(path.relative_to(self.root)), path.read_text(encoding="utf-8", errors="replace")
        for process in self.ended:
            # The error of a command is its answer to what was typed, and may repeat that.
            if process.code == 0:
                yield f"stderr of {process.words}", process.err
            if process.words in (APP, DIAGNOSTICS):
                yield f"stdout of {process.words}", process.out

    def addresses(self) -> Iterator[tuple[str, int]]:
        """Return each IP address and port that a process connected to, tried to, or sent to."""
        for path in self.root.glob("trace*"):
            for port, address in _ADDRESS.findall(path.read_text(encoding="utf-8", errors="replace")):
                yield address, int(port)


def is_loopback(address: str) -> bool:
    found = ip_address(address)
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


class _Run:
    def __init__(self, root: Path, model: StubModel) -> None:
        self._root = root
        self._ended: list[Ended] = []
        self._folder = root / f"folder-{WORD}"
        self._folder.mkdir()
        (self._folder / "opencode.json").write_text('{"permission": {"bash": "ask"}}', encoding="utf-8")
        (root / "run").mkdir(mode=0o700)
        self.home = OpenCodeHome(root / "opencode", model.url)
        environment = self.home.environment | {"XDG_RUNTIME_DIR": str(root / "run"), "DEPLOY_TOKEN": TOKEN}
        self._program = Program(root / "data", environment)

    def operate(self) -> None:
        failure = self._root / "failure"
        self._start(APP, sys.executable, "-m", "tests.support.private_app", str(self._folder), str(failure))
        assert not failure.exists(), failure.read_text(encoding="utf-8")
        assert self._ended[0].code == 0, self._ended[0]
        (thread,) = (each["id"] for each in json.loads(self._command("threads", "--json").out)["threads"])
        self._command("server", "start")
        try:
            (password,) = (path.read_text(encoding="utf-8") for path in (self._root / "data" / "secrets").iterdir())
            (self._root / "password").write_text(password.strip(), encoding="utf-8")
            assert self._command("resume", thread).code == 0
            assert self._command("send", thread, "what is the codeword?").out.strip() == WORD
            self._command("send", thread, f"fail: no credit for {WORD}")
            self._command("show", thread)
            self._command("journal", thread)
            self._command("vault", "export", thread)
            self._command("remedy", thread, "carry-transcript")
            self._command("resume", WORD)
            self._command("new", "--dir", str(self._folder / WORD), "--title", TITLE, "--prompt", WORD)
            self._command("guard", "status")
            self._command("doctor")
            self._command("server", "logs")
            self._command(*DIAGNOSTICS.split())
        finally:
            self._command("server", "stop")

    def close(self) -> None:
        until(lambda: not list(self.home.processes()), "the end of the server and of what traces it")
        self.home.end_everything()
        documents = [vars(each) for each in self._ended]
        (self._root / "ended.json").write_text(json.dumps(documents), encoding="utf-8")

    def _command(self, *words: str) -> Ended:
        return self._start(" ".join(words), *self._program.argv(*words))

    def _start(self, words: str, *command: str) -> Ended:
        number, trace = len(self._ended), list[str]()
        if strace := shutil.which("strace"):
            # As a grandchild: it goes on for as long as anything that the command started, which a server is.
            options = ("-D", "-f", "--seccomp-bpf", "-qq", "-e", f"trace={_CALLS}", "-e", "signal=none")
            trace = [strace, *options, "-o", str(self._root / f"trace-{number}")]
        out, err = (self._root / f"{kind}-{number}" for kind in ("stdout", "stderr"))
        with out.open("wb") as out_file, err.open("wb") as err_file:
            code = subprocess.run(
                [*trace, *command],
                env=self._program.environment,
                cwd=Path(__file__).parents[2],
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
                timeout=LIMIT,
            ).returncode
        self._ended.append(Ended(words, code, *(path.read_text(encoding="utf-8", errors="replace") for path in (out, err))))
        return self._ended[-1]


def main() -> int:
    root = Path(sys.argv[1])
    if sys.argv[2:] == ["alone"]:
        raise_loopback()
    with StubModel() as model:
        run = _Run(root, model)
        try:
            run.operate()
        finally:
            run.close()
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
