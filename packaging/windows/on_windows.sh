#!/usr/bin/env bash
# What `make freeze smoke` does, for Windows, which has no make; then the installer: compiled, installed, run and removed again.
# usage: packaging/windows/on_windows.sh     In Git's bash, for a throwaway account: it installs t3tray and uninstalls it.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHON=python
# Git's bash takes /OPTION for a path otherwise. Not for all: build.sh relies on it.
plain() { MSYS_NO_PATHCONV=1 MSYS2_ARG_CONV_EXCL='*' "$@"; }
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' t3tray/__init__.py | tr -d '\r')
opencode_version=$(sed -n 's/^opencode_version=//p' packaging/setup.sh | tr -d '\r')

npm install --silent --no-audit --no-fund --prefix .tools "opencode-ai@$opencode_version"
opencode=.tools/node_modules/opencode-windows-x64/bin/opencode.exe
[ -e "$opencode" ] || { echo "npm did not bring $opencode" >&2; exit 1; }

packaging/freeze/build.sh
"$PYTHON" packaging/smoke/smoke.py --opencode "$opencode" dist/t3tray/t3trayc.exe

"$PYTHON" packaging/windows/check_installer.py
compiler="/c/Program Files (x86)/Inno Setup 6/ISCC.exe"
[ -x "$compiler" ] || choco install innosetup --yes --no-progress
plain "$compiler" /Q "/DVersion=$version" packaging/windows/t3tray.iss

installed=$(cygpath --unix "$LOCALAPPDATA")/Programs/t3tray
plain "dist/t3tray-$version-windows-x64-setup.exe" /VERYSILENT /SUPPRESSMSGBOXES /NORESTART
[ "$("$installed/t3trayc.exe" --version | tr -d '\r')" = "t3tray $version" ] || { echo "The installed program does not run." >&2; exit 1; }
reg query 'HKCU\Software\Classes\t3tray\shell\open\command' >/dev/null
plain "$installed/unins000.exe" /VERYSILENT /SUPPRESSMSGBOXES /NORESTART
# The uninstaller goes on in a copy of itself after this command has returned.
for _ in $(seq 90); do [ -e "$installed/t3tray.exe" ] || break; sleep 1; done
[ ! -e "$installed/t3tray.exe" ] || { echo "The uninstaller left t3tray.exe." >&2; exit 1; }
if reg query 'HKCU\Software\Classes\t3tray' >/dev/null 2>&1; then echo "The uninstaller left t3tray's links." >&2; exit 1; fi
echo "The installer works: installed, run, removed."
