"""Takes every screenshot of docs/screenshots: the real app in the demo's world, on its own X server and tray."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from t3tray.demo.backend import SWITCH_VARIABLE
from tests.support.desktop import Desktop

TARGET = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
# In s: the screenshots include the switch.
SOON = "1"
LIMIT = 600


def main() -> int:
    TARGET.mkdir(parents=True, exist_ok=True)
    for old in TARGET.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as scratch, Desktop(Path(scratch)) as desktop:
        environment = {**os.environ, **desktop.environment, SWITCH_VARIABLE: SOON}
        command = [sys.executable, "-m", "tests.screenshots.camera", str(TARGET)]
        code = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=LIMIT).returncode
    pictures = sorted(TARGET.glob("*.png"))
    size = sum(picture.stat().st_size for picture in pictures)
    print(f"{len(pictures)} pictures, {size / 1e6:.1f} MB, in {TARGET}")
    return code


if __name__ == "__main__":
    sys.exit(main())
