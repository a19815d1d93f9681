#!/usr/bin/env bash
# Checks everything of the package for Windows that shows without Windows: the installer's script, the two programs, their icon and
# properties, and the real libraries of both versions of PySide6 that constraints.txt names. Tools go into .tools/app-check.
# usage: packaging/windows/win_check.sh [PYTHON_VERSION…]     the versions of Python to fetch libraries for; 3.11 and 3.12 without
set -euo pipefail
cd "$(dirname "$0")/../.."
versions=("$@")
[ $# -gt 0 ] || versions=(3.11 3.12)
# shellcheck source=packaging/freeze/check_tools.sh
. packaging/freeze/check_tools.sh

.venv/bin/python packaging/windows/check_installer.py
QT_QPA_PLATFORM=offscreen .venv/bin/python packaging/freeze/make_icon.py resources/icons/t3tray.svg build/t3tray.ico
for version in "${versions[@]}"; do
    folder=build/windows/$version
    "$tools/bin/python" packaging/windows/check_parts.py "$folder" "$version" 2>"$folder.log" || { cat "$folder.log" >&2; exit 1; }
    rm -rf "$folder"
done
