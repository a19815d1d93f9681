#!/usr/bin/env bash
# Checks everything of t3tray.app that shows without a Mac: lays it out and signs it from the real libraries of both architectures,
# for both versions of PySide6 that constraints.txt names, and reads it back. Tools go into .tools/app-check, apps into build/macos.
# usage: packaging/macos/app_check.sh [PYTHON_VERSION…]     the versions of Python to fetch libraries for; 3.11 and 3.12 without
set -euo pipefail
cd "$(dirname "$0")/../.."
versions=("$@")
[ $# -gt 0 ] || versions=(3.11 3.12)

# shellcheck source=packaging/freeze/check_tools.sh
. packaging/freeze/check_tools.sh

QT_QPA_PLATFORM=offscreen .venv/bin/python packaging/freeze/make_icon.py resources/icons/t3tray.svg build/t3tray.icns
"$tools/bin/icnsutil" test build/t3tray.icns

for version in "${versions[@]}"; do
    for architecture in arm64 x86_64; do
        folder=build/macos/$version-$architecture
        "$tools/bin/python" packaging/macos/bundle_on_linux.py "$architecture" "$folder" "$version" >"$folder.log" 2>&1 ||
            { cat "$folder.log" >&2; exit 1; }
        for app in "$folder"/ad-hoc/t3tray.app "$folder"/certificate/t3tray.app; do
            "$tools/bin/python" packaging/macos/check_app.py "$app" "$architecture"
        done
        rm -rf "$folder"/{site,tool,work,t3tray.app}
    done
done

"$tools/bin/shellcheck" --severity=warning packaging/*.sh packaging/*/*.sh
if command -v ruby >/dev/null; then
    for recipe in packaging/macos/*.rb.in; do ruby -c "$recipe" >/dev/null; done
else
    echo "The Homebrew recipes were not checked: there is no ruby."
fi
