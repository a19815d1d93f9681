#!/usr/bin/env bash
# Makes dist/t3tray-VERSION-macos-ARCHITECTURE.dmg of dist/t3tray.app, with a link to the Applications folder. On a Mac: hdiutil.
# usage: packaging/macos/make_dmg.sh     T3TRAY_CODESIGN_IDENTITY signs the image too. Run sign_notarise.sh on the app before.
set -euo pipefail
cd "$(dirname "$0")/../.."
app=dist/t3tray.app
version=$(/usr/libexec/PlistBuddy -c "Print :CFBundleShortVersionString" "$app/Contents/Info.plist")
image=dist/t3tray-$version-macos-$(uname -m).dmg

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# With its symbolic links, extended attributes and the stapled ticket.
ditto "$app" "$folder/t3tray.app"
ln -s /Applications "$folder/Applications"
rm -f "$image"
# hdiutil fails with "Resource busy" while Spotlight reads the new volume.
for _ in 1 2 3 4 5; do
    hdiutil create -quiet -volname t3tray -srcfolder "$folder" -fs HFS+ -format UDZO "$image" && break
done
hdiutil verify -quiet "$image"
[ -z "${T3TRAY_CODESIGN_IDENTITY:-}" ] || codesign --sign "$T3TRAY_CODESIGN_IDENTITY" --timestamp "$image"
echo "$image"
