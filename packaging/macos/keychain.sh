#!/usr/bin/env bash
# Gives a machine of hosted CI the key that signs t3tray.app, in a keychain of its own, and takes it away again. On a Mac.
# usage: packaging/macos/keychain.sh open|close
#   MACOS_CERTIFICATE            the "Developer ID Application" certificate with its key, as a .p12 in base64
#   MACOS_CERTIFICATE_PASSWORD   the password of the .p12
#   MACOS_NOTARY_KEY             the App Store Connect key (.p8) for notarising, as text
# Without a certificate nothing is done, and that is said. What later steps need is written to $GITHUB_ENV. No secret is printed.
set -euo pipefail
folder=${RUNNER_TEMP:-${TMPDIR:-/tmp}}
keychain=$folder/t3tray.keychain-db
certificate=$folder/t3tray.p12 key=$folder/t3tray.p8

close() {
    rm -f "$certificate" "$key"
    [ ! -e "$keychain" ] || security delete-keychain "$keychain"
}

open() {
    if [ -z "${MACOS_CERTIFICATE:-}" ]; then
        echo "There is no MACOS_CERTIFICATE: the app is signed ad hoc."
        return
    fi
    umask 077
    local password identity existing
    password=$(openssl rand -hex 16)
    base64 --decode <<<"$MACOS_CERTIFICATE" >"$certificate"
    security create-keychain -p "$password" "$keychain"
    security set-keychain-settings -lut 7200 "$keychain"
    security unlock-keychain -p "$password" "$keychain"
    security import "$certificate" -f pkcs12 -k "$keychain" -P "$MACOS_CERTIFICATE_PASSWORD" -T /usr/bin/codesign >/dev/null
    rm -f "$certificate"
    # Without this codesign asks in a window whether it may use the key.
    security set-key-partition-list -S apple-tool:,apple:,codesign: -s -k "$password" "$keychain" >/dev/null
    existing=$(security list-keychains -d user | tr -d '"')
    # shellcheck disable=SC2086  # one word for each keychain
    security list-keychains -d user -s "$keychain" $existing
    identity=$(security find-identity -v -p codesigning "$keychain" | sed -n 's/.*"\(Developer ID Application: .*\)"/\1/p' | head -1)
    [ -n "$identity" ] || { echo "MACOS_CERTIFICATE is no Developer ID Application certificate." >&2; exit 1; }
    echo "T3TRAY_CODESIGN_IDENTITY=$identity" >>"$GITHUB_ENV"
    echo "The app is signed by $identity."
    if [ -n "${MACOS_NOTARY_KEY:-}" ]; then
        printf '%s\n' "$MACOS_NOTARY_KEY" >"$key"
        echo "T3TRAY_NOTARY_KEY=$key" >>"$GITHUB_ENV"
    else
        echo "There is no MACOS_NOTARY_KEY: the app is not notarised."
    fi
}

case "${1:-}" in
    open | close) "$1" ;;
    *) echo "usage: keychain.sh open|close" >&2; exit 2 ;;
esac
