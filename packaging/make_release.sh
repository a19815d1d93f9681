#!/usr/bin/env bash
# Makes a release of the packages in a folder: SHA256SUMS, and Homebrew's formula and cask for them. Prints the release's notes.
# usage: packaging/make_release.sh FOLDER REPOSITORY [REF]
#   FOLDER       the packages of all systems; from each Mac also signed-ARCHITECTURE.txt and oldest-macos.txt, which go
#   REPOSITORY   the address of the repository, without a slash at its end
#   REF          refs/tags/vX.Y.Z has to be the version of the source; any other is not looked at
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$1 repository=$2 ref=${3:-}
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$root/t3tray/__init__.py")
fail() { printf '%s\n' "$*" >&2; exit 1; }

case $ref in
    refs/tags/*) [ "$ref" = "refs/tags/v$version" ] || fail "The tag is ${ref#refs/tags/}, the source is $version." ;;
esac
cd "$folder"

deb=$(echo t3tray_*_amd64.deb)
expected=(
    "t3tray-$version-py3-none-any.whl" "t3tray-$version.tar.gz" "$deb" "t3tray-$version-windows-x64-setup.exe"
    "t3tray-$version-macos-arm64.dmg" "t3tray-$version-macos-x86_64.dmg"
)
for file in "${expected[@]}"; do [ -s "$file" ] || fail "There is no $file."; done
sum() { sha256sum "$1" | cut -d ' ' -f 1; }
filled() {  # template: with the values of this release
    sed -e "s|@VERSION@|$version|g; s|@REPOSITORY@|$repository|g; s|@SHA256@|$(sum "t3tray-$version.tar.gz")|g" \
        -e "s|@SHA256_ARM64@|$(sum "t3tray-$version-macos-arm64.dmg")|g; s|@SHA256_X86_64@|$(sum "t3tray-$version-macos-x86_64.dmg")|g" \
        -e "s|@MACOS@|$macos|g" "$root/packaging/macos/$1"
}
case $(cat oldest-macos.txt) in
    13.*) macos=ventura ;;
    14.*) macos=sonoma ;;
    15.*) macos=sequoia ;;
    26.*) macos=tahoe ;;
    *) fail "Homebrew's name of macOS $(cat oldest-macos.txt) is not known here." ;;
esac

arm64=$(cat signed-arm64.txt) x86_64=$(cat signed-x86_64.txt)
filled formula.rb.in >t3tray-formula.rb
# The last sentence of sign_notarise.sh.
if [[ $arm64 == *" and notarised." && $x86_64 == *" and notarised." ]]; then filled cask.rb.in >t3tray-cask.rb; fi
rm signed-*.txt oldest-macos.txt
sha256sum -- *.whl *.tar.gz *.deb *.exe *.dmg *.rb >SHA256SUMS

sed -n "/^## $version\b/,\${/^## $version\b/d;/^## /q;p;}" "$root/CHANGELOG.md"
printf '\n## Signatures\n\n'
printf -- '- macOS, Apple silicon: %s\n- macOS, Intel: %s\n' "$arm64" "$x86_64"
printf -- '- Windows: not signed. SmartScreen asks at the first start.\n'
printf -- '- .deb, wheel and sdist: not signed. Compare with SHA256SUMS.\n'
[ -e t3tray-cask.rb ] || printf -- '- There is no cask for Homebrew: it takes notarised apps only.\n'
