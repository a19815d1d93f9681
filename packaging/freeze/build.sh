#!/usr/bin/env bash
# Packs t3tray with Python and Qt into dist/t3tray (on macOS dist/t3tray.app), in an environment of its own in .tools/freeze.
# usage: packaging/freeze/build.sh     PYTHON names the interpreter to pack; T3TRAY_CODESIGN_IDENTITY signs on macOS.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
tools=.tools/freeze
case "$(uname)" in
    Darwin) system=macos bin=$tools/bin ;;
    MINGW* | MSYS* | CYGWIN*) system=windows bin=$tools/Scripts ;;
    *) system=linux bin=$tools/bin ;;
esac

[ $system != linux ] || packaging/setup.sh freeze
# Not by its python: that is there, without pip, also when Debian lacks python3-venv and the first run has failed.
[ -x "$bin/pip" ] || [ -x "$bin/pip.exe" ] || "$python" -m venv --clear "$tools"
if [ ! -e "$tools/ready" ] || [ pyproject.toml -nt "$tools/ready" ] || [ packaging/constraints.txt -nt "$tools/ready" ]; then
    "$bin/python" -m pip install --quiet --disable-pip-version-check -c packaging/constraints.txt . pyinstaller
    touch "$tools/ready"
fi
# What is packed is what the wheel installs, not the checkout: a file that the wheel lacks is missing here too.
"$bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall .

mkdir -p build
case $system in
    macos) "$bin/python" packaging/freeze/make_icon.py resources/icons/t3tray.svg build/t3tray.icns ;;
    windows) "$bin/python" packaging/freeze/make_icon.py resources/icons/t3tray.svg build/t3tray.ico ;;
esac
# By its script: `python -m` would find the package in this folder first. The order of sets is fixed, so that the same input gives
# the same bytes.
PYTHONHASHSEED=1 PYINSTALLER_CONFIG_DIR="$PWD/build/pyinstaller" "$bin/pyinstaller" --noconfirm --clean --log-level WARN \
    --distpath dist --workpath build packaging/freeze/t3tray.spec
