#!/usr/bin/env bash
# Builds t3tray_VERSION_ARCHITECTURE.deb of the packaged program in dist/t3tray, which `make freeze` has built.
# usage: packaging/deb/build_deb.sh [FOLDER]     The package's folder; dist by default.
# SOURCE_DATE_EPOCH is the time of all files, by default that of the last commit: the same program gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/../.."
umask 022
export LC_ALL=C.UTF-8 TZ=UTC
target=$(realpath -m "${1:-dist}")
here=$PWD/packaging/deb
frozen=$PWD/dist/t3tray
[ -x "$frozen/t3tray" ] || { echo "There is no packaged program in $frozen: run make freeze." >&2; exit 1; }

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH
number=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' t3tray/__init__.py)
# Debian sorts 1.0~rc1 before 1.0, and 1.0rc1 after it.
version=$(sed -E 's/\.?(a|b|rc|dev)([0-9]+)$/~\1\2/' <<<"$number")
architecture=$(dpkg --print-architecture)

# The layout that dpkg-shlibdeps expects: it finds the package's root by the folder DEBIAN.
work=build/deb
root=$PWD/$work/debian/t3tray
rm -rf "$work"
install -d "$root"/DEBIAN "$root"/usr/bin "$root"/usr/lib "$root"/usr/share/doc/t3tray
cp -a "$frozen" "$root/usr/lib/t3tray"
ln -s ../lib/t3tray/t3tray "$root/usr/bin/t3tray"
install -D -m 644 resources/t3tray.desktop "$root/usr/share/applications/t3tray.desktop"
install -D -m 644 "$here/t3tray.metainfo.xml" "$root/usr/share/metainfo/org.t3tray.t3tray.metainfo.xml"
install -D -m 644 resources/icons/t3tray.svg "$root/usr/share/icons/hicolor/scalable/apps/t3tray.svg"
install -m 644 "$here/copyright" "$root/usr/share/doc/t3tray/copyright"
licenses() {  # of what is packed; the tools of the packing are in the same environment
    local python=.tools/freeze/bin/python folder name
    install -D -m 644 "$("$python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')/LICENSE.txt" "$1/python/LICENSE.txt"
    for folder in .tools/freeze/lib/python3*/site-packages/*.dist-info; do
        name=$(basename "$folder" .dist-info)
        case $name in altgraph-* | pip-* | pyinstaller* | setuptools-* | t3tray-*) continue ;; esac
        find "$folder" \( -path '*/licenses/*' -o -name 'LICENSE*' \) -type f -exec install -D -m 644 -t "$1/${name%-*}" {} +
    done
}
licenses "$root/usr/share/doc/t3tray/licenses"

changes=$(sed -n "/^## $number\b/,\${/^## $number\b/d;/^## /q;/./p}" CHANGELOG.md)
[ -n "$changes" ] || { echo "CHANGELOG.md says nothing of $number." >&2; exit 1; }
{
    printf 't3tray (%s) unstable; urgency=medium\n\n' "$version"
    fold -s -w 74 <<<"$changes" | sed 's/ *$//; 1s/^/  * /; 1!s/^/    /'
    printf '\n -- The t3tray authors <>  %s\n' "$(date -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$root/usr/share/doc/t3tray/changelog.gz"

# A library needs no execute permission, and the program of a root-owned folder no write permission.
find "$root/usr" -type d -exec chmod 755 {} +
find "$root/usr" -type f -exec chmod 644 {} +
chmod 755 "$root/usr/lib/t3tray/t3tray"

# Libraries of the bundle are found in it first (`-l` is a path of the installed package) and need no dependency.
printf 'Source: t3tray\n\nPackage: t3tray\nArchitecture: any\n' >"$work/debian/control"
mapfile -t programs < <(find "$root/usr/lib/t3tray" -type f \( -name '*.so' -o -name '*.so.*' -o -name t3tray \) | sort)
depends=$(cd "$work" && dpkg-shlibdeps -O --warnings=0 -l/usr/lib/t3tray/_internal "${programs[@]}" | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "dpkg-shlibdeps names no package." >&2; exit 1; }

size=$(du -k --apparent-size -s "$root/usr" | cut -f 1)
sed -e "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@SIZE@/$size/; s/@DEPENDS@/$depends/" \
    "$here/control.in" >"$root/DEBIAN/control"
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
mkdir -p "$target"
# Of an older version: `apt install dist/t3tray_*.deb` would be given both.
rm -f "$target"/t3tray_*_"$architecture".deb
# zstd: xz takes two minutes of CPU for a tenth less.
dpkg-deb -Zzstd --root-owner-group --build "$root" "$target/t3tray_${version}_$architecture.deb" >/dev/null
rm -rf "$work"
echo "$target/t3tray_${version}_$architecture.deb"
