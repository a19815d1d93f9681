"""The demo's projects on disk: small repositories with a remote to push to, so that the model's tools really work."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from t3tray.demo.table import Project

_FILES: Mapping[Project, Mapping[str, str]] = {
    Project.SHOP: {
        "README.md": "# Shop\n\nCarts, orders and payments.\n",
        "pyproject.toml": '[project]\nname = "shop"\nversion = "2.4.0"\n',
        "checkout.py": "class Shop:\n    def __init__(self):\n        self._payments = set()\n\n    def pay(self, cart):\n"
        "        payment = Payment(cart.total)\n        self._payments.add(payment)\n        return payment\n\n"
        "    def payments(self):\n        return list(self._payments)\n",
        # Takes six minutes, so that the sub-agent that runs it can be watched.
        "tests/repeat.sh": '#!/bin/sh\n# Runs the checkout test again and again.\nfor run in $(seq "$1"); do\n    sleep 18\n'
        '    case $run in 4 | 13) echo "run $run: 1 failed" ;; *) echo "run $run: 1 passed" ;; esac\ndone\n',
        "report.py": "def last_payment(shop):\n    return shop.payments()[-1]\n",
        "tests/test_checkout.py": "def test_two_payments(shop):\n    shop.pay(cart(20))\n    shop.pay(cart(30))\n"
        "    assert [p.amount for p in shop.payments()] == [20, 30]\n",
    },
    Project.PARSER: {
        "parser.py": 'BINDING = {"+": (1, 2), "-": (1, 2), "*": (3, 4), "/": (3, 4), "^": (6, 5)}\n\n\n'
        "def parse(tokens, least=0):\n    left = parse_atom(tokens)\n"
        "    while (powers := BINDING.get(tokens.peek())) and powers[0] >= least:\n        operator = tokens.next()\n"
        "        left = Binary(operator, left, parse(tokens, powers[1]))\n    return left\n",
        "repl.py": "from parser import parse_sum\n",
    },
    Project.WEBSITE: {
        "site/index.html": "<!doctype html>\n<title>Shop</title>\n",
        "site/style.css": ":root {\n  --ground: #fff;\n  --text: #1d1d1f;\n}\n",
        "build.sh": "#!/bin/sh\nset -eu\ncp -r site dist\n",
    },
    Project.ADMIN: {"index.php": "<?php phpinfo();\n"},
    Project.APP: {"cart.js": "export const cart = [];\n"},
}


def make_folders(code: Path, environment: Mapping[str, str]) -> None:
    """Create every project below `code`. Without `git` they are plain folders. Raises OSError."""
    for project, files in _FILES.items():
        for name, content in files.items():
            path = code / project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    shop, remote, worktree = code / Project.SHOP, code / ".remotes" / "shop.git", code / Project.PAYMENTS
    try:
        for project in (Project.SHOP, Project.PARSER, Project.WEBSITE):
            _make_repository(code / project, environment)
        _git(code, environment, "init", "-q", "--bare", str(remote))
        _git(shop, environment, "remote", "add", "origin", str(remote))
        _git(shop, environment, "worktree", "add", "-q", "-b", "payments", str(worktree))
    except (OSError, subprocess.CalledProcessError):
        worktree.mkdir(parents=True, exist_ok=True)


def close_off(folder: Path) -> None:
    """Replace a folder by a link to itself, which not even root can read. Raises OSError; the folder is unchanged then."""
    link = folder.with_name(f"{folder.name} (link)")
    link.symlink_to(folder, target_is_directory=True)
    shutil.rmtree(folder)
    link.rename(folder)


def _make_repository(folder: Path, environment: Mapping[str, str]) -> None:
    _git(folder, environment, "init", "-q", "-b", "main")
    _git(folder, environment, "add", ".")
    author = ("-c", "user.name=Demo", "-c", "user.email=demo@localhost")
    _git(folder, environment, *author, "commit", "-q", "-m", f"Begin the {folder.name}")


def _git(folder: Path, environment: Mapping[str, str], *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], env=dict(environment), check=True, capture_output=True)
