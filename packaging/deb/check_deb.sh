#!/usr/bin/env bash
# Installs the .deb in a fresh root of this system's own release, uses it as a plain user, upgrades it while it runs, and purges it.
# usage: packaging/deb/check_deb.sh [DEB]     As root: it makes a root by debootstrap. Needs the pinned opencode in .tools: setup.sh deb-check.
# The bare root and the packages that are installed into it stay in .tools/debian, so that a second run downloads nothing again.
set -euo pipefail
cd "$(dirname "$0")/../.."
cache=$PWD/.tools/debian

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

make_base() {  # a bare root with Python alone, for the checks; the package has its own
    local release origin sources bare=$1/bare
    # The mirror and the release are those of this system's apt.
    . /etc/os-release
    release=$VERSION_CODENAME origin=${ID^}
    sources=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' "Origin: $origin" | sort -u)
    [ -n "$sources" ] || fail "apt has no sources of $origin: run apt-get update."
    debootstrap --variant=minbase --include=python3 "$release" "$bare" "$(awk -v name="$release" '$3 == name { print $2; exit }' <<<"$sources")" >"$1/log" ||
        { tail -20 "$1/log" >&2; fail debootstrap; }
    printf '%s\n' "$sources" >"$bare/etc/apt/sources.list"
    echo force-unsafe-io >"$bare/etc/dpkg/dpkg.cfg.d/check"
    chroot "$bare" apt-get update -qq
    chroot "$bare" useradd --create-home tester
    rm -f "$cache"/root-*.tar.zst
    mkdir -p "$cache/archives/partial"
    mv "$bare"/var/cache/apt/archives/*.deb "$cache/archives/" 2>/dev/null || true
    tar -C "$bare" --numeric-owner -I 'zstd -3' -cf "$base.new" .
    mv "$base.new" "$base"
}

give_back() {  # what `sudo make` has written, to the one whose checkout it is: he could not build again
    [ "$(stat -c %u .)" = 0 ] || chown -R --no-dereference --reference=. .venv .tools build dist || true
}

outside() {
    [ "$(id -u)" = 0 ] || fail "needs root: sudo make deb-check"
    command -v debootstrap >/dev/null || fail "needs debootstrap: sudo apt-get install debootstrap"
    work=$(mktemp -d)
    # What the checks mount and start ends with their namespaces, before this.
    trap 'rm -rf --one-file-system "$work"; give_back' EXIT
    deb=$(realpath "${1:-$(echo dist/t3tray_*_"$(dpkg --print-architecture)".deb)}")

    say "the same program gives the same package"
    local built
    built=$(dpkg-deb --ctrl-tarfile "$deb" | tar --utc --full-time -tv | awk 'NR == 1 { print $4, $5 }')
    (umask 077; export TZ=Asia/Tokyo SOURCE_DATE_EPOCH; SOURCE_DATE_EPOCH=$(date -u -d "$built" +%s)
        packaging/deb/build_deb.sh "$work/again" >/dev/null)
    cmp "$deb" "$work/again/$(basename "$deb")"
    sha256sum "$deb"

    # Another one when another system or another script makes it.
    base=$cache/root-$({ cat /etc/os-release; declare -f make_base; } | sha256sum | cut -c 1-12).tar.zst
    [ -e "$base" ] || { say "a root of $(. /etc/os-release; echo "$PRETTY_NAME")"; make_base "$work"; }
    mkdir "$work/root"
    tar -C "$work/root" --numeric-owner -I zstd -xf "$base"
    mkdir "$work/root/checkout" "$work/root/packages"
    git ls-files -z packaging t3tray tests/__init__.py tests/support | tar --null -T - -c | tar -x -C "$work/root/checkout"
    chmod -R go+rX "$work/root/checkout"
    opencode=.tools/bin/opencode
    [ -x $opencode ] || opencode=.tools/versions/$(sed -n 's/^opencode_version=//p' packaging/setup.sh)/bin/opencode
    install -m 755 "$opencode" "$work/root/usr/local/bin/opencode"
    install -m 644 "$deb" "$work/root/packages/first.deb"
    cp -L /etc/resolv.conf /etc/hosts "$work/root/etc/"

    say "a later version of the package"
    dpkg-deb -R "$deb" "$work/later"
    sed -i 's/^Version: .*/&+later/' "$work/later/DEBIAN/control"
    SOURCE_DATE_EPOCH=$(date +%s) dpkg-deb -Zzstd -z1 --root-owner-group --build "$work/later" "$work/root/packages/later.deb" >/dev/null
    rm -rf "$work/later"
    unshare --mount --pid --fork --kill-child packaging/deb/check_deb.sh --inside "$work/root" "$cache/archives"
}

enter() {  # root archives: make it the root of this process. Not chroot: in one a user may make no namespaces, as browsers and smoke.py do.
    mount --bind "$1" "$1"
    cd "$1"
    mount --bind "$2" var/cache/apt/archives
    mount -t proc proc proc
    mount -t tmpfs -o mode=1777 tmpfs dev/shm
    mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
    mkdir .outside
    pivot_root . .outside
    cd /
    umount -l .outside
    rmdir .outside
    export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
}

as_user() { runuser -u tester -- env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/home/tester LC_ALL=C.UTF-8 "$@"; }

installs() { apt-get install -qq --no-install-recommends "$@" >/dev/null; }

ours() {  # what bears our name, or is the user's, outside of the home
    find / \( -path /proc -o -path /home -o -path /checkout -o -path /packages -o -path /dev/pts -o -path /tmp/.X11-unix \) -prune -o \
        \( -iname '*t3tray*' -o -user tester \) -print
    grep -rls t3tray /etc /usr/share/applications /usr/share/mime || true
}

inside() {
    enter "$1" "$2"
    local before
    before=$(find /usr /etc /opt /srv -xdev | sort)

    say "install"
    installs /packages/first.deb
    dpkg -V t3tray | tee /tmp/changed
    [ ! -s /tmp/changed ] || fail "dpkg -V"
    # Before any other program is installed that could bring a library which the package does not depend on.
    find /usr/lib/t3tray -name '*.so*' -exec env LD_LIBRARY_PATH=/usr/lib/t3tray/_internal ldd {} + | grep 'not found' | sort -u && fail "a library is missing"
    as_user t3tray settings stop_idle_minutes 7
    dpkg -s t3tray | sed -n '/^Version/p;/^Installed-Size/p;/^Depends/p'

    say "the smoke checks as a plain user"
    installs xvfb xdotool git
    as_user python3 /checkout/packaging/smoke/smoke.py t3tray

    say "an upgrade while it runs"
    local stage user
    stage=$(as_user mktemp -d)
    as_user python3 /checkout/packaging/deb/upgraded.py "$stage" &
    user=$!
    while [ ! -e "$stage/ready" ]; do
        kill -0 $user 2>/dev/null || fail "the program did not start"
        sleep 0.2
    done
    installs /packages/later.deb
    as_user touch "$stage/upgraded"
    wait $user
    as_user rm -r "$stage"
    dpkg -V t3tray | tee /tmp/changed
    [ ! -s /tmp/changed ] || fail "dpkg -V after the upgrade"
    dpkg -s t3tray | grep '^Version: .*+later'

    say "purge"
    # A root's own use must leave nothing beside the program either.
    HOME=/home/tester/of-root t3tray --version
    apt-get purge -qq t3tray >/dev/null
    ours | grep -v '^/var/log/' && fail "something of ours is left"
    as_user test -s /home/tester/.local/share/t3tray/t3tray.sqlite || fail "the user's data is gone"
    comm -13 <(printf '%s\n' "$before") <(find /usr /etc /opt /srv -xdev | sort) | grep -i t3tray && fail "left behind"
    printf 'nothing of ours is left, and the data is where it was\n'
}

if [ "${1:-}" = --inside ]; then inside "$2" "$3"; else outside "$@"; fi
