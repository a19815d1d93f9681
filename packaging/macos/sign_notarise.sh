#!/usr/bin/env bash
# Has Apple notarise dist/t3tray.app, which `make freeze` has signed, and staples the answer to it. On a Mac.
# usage: packaging/macos/sign_notarise.sh [APP]
#   T3TRAY_CODESIGN_IDENTITY   the "Developer ID Application: …" that `make freeze` was given
#   T3TRAY_NOTARY_KEY          file of the App Store Connect key (.p8), with T3TRAY_NOTARY_KEY_ID and T3TRAY_NOTARY_ISSUER
# Without an identity the app stays signed ad hoc, and that is said: Gatekeeper then asks the user at the first start.
set -euo pipefail
cd "$(dirname "$0")/../.."
app=${1:-dist/t3tray.app}
python=${PYTHON:-python3}

case "$(uname -m)" in arm64) architecture=arm64 ;; *) architecture=x86_64 ;; esac
"$python" packaging/macos/check_app.py "$app" "$architecture"
codesign --verify --deep --strict --verbose=2 "$app"

if [ -z "${T3TRAY_CODESIGN_IDENTITY:-}" ]; then
    echo "$app is signed ad hoc: no T3TRAY_CODESIGN_IDENTITY was given."
    exit
fi
codesign --display --verbose=2 "$app" 2>&1 | grep -F "Authority=$T3TRAY_CODESIGN_IDENTITY" >/dev/null ||
    { echo "$app was not signed by $T3TRAY_CODESIGN_IDENTITY: run make freeze with it." >&2; exit 1; }

if [ -z "${T3TRAY_NOTARY_KEY:-}" ]; then
    echo "$app is signed by $T3TRAY_CODESIGN_IDENTITY and not notarised: no T3TRAY_NOTARY_KEY was given."
    exit
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
notary=(--key "$T3TRAY_NOTARY_KEY" --key-id "$T3TRAY_NOTARY_KEY_ID" --issuer "$T3TRAY_NOTARY_ISSUER")
ditto -c -k --keepParent "$app" "$folder/t3tray.zip"
# It ends with 0 also when Apple refuses.
xcrun notarytool submit "$folder/t3tray.zip" "${notary[@]}" --wait --output-format json >"$folder/answer.json"
read -r id status < <("$python" -c 'import json, sys; a = json.load(open(sys.argv[1])); print(a["id"], a["status"])' "$folder/answer.json")
if [ "$status" != Accepted ]; then
    echo "Apple did not notarise $app: $status" >&2
    xcrun notarytool log "$id" "${notary[@]}" >&2
    exit 1
fi
xcrun stapler staple "$app"
spctl --assess --type execute --verbose=2 "$app"
echo "$app is signed by $T3TRAY_CODESIGN_IDENTITY and notarised."
