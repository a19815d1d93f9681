#!/usr/bin/env bash
# Checks what only a Mac can tell of dist/t3tray.app, which `make freeze` has built: mac_checks.py has the list.
# usage: T3TRAY_THROWAWAY=yes packaging/macos/on_a_mac.sh [NAME,…]     Screenshots go into build/on-a-mac.
# It opens and quits the app, and uses the account's keychain and launchd: for a throwaway account, as hosted CI has it.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(uname)" = Darwin ] || { echo "This needs a Mac." >&2; exit 2; }
[ "${T3TRAY_THROWAWAY:-}" = yes ] || { echo "This uses your own keychain and menu bar. Set T3TRAY_THROWAWAY=yes if that may be." >&2; exit 2; }
program=dist/t3tray.app/Contents/MacOS/t3tray
[ -x "$program" ] || { echo "There is no $program: run make freeze." >&2; exit 1; }

sw_vers
export PATH="$PWD/.tools/bin:$PATH"
.venv/bin/python packaging/macos/mac_checks.py --pictures build/on-a-mac ${1:+--only "$1"} "$program"
