#!/usr/bin/env bash
# Builds wheel and sdist into dist/, checks both, installs the wheel into a fresh environment and runs the smoke checks on it.
# usage: packaging/make_wheel.sh     PYTHON names the interpreter to install for.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
tools=.tools/wheel

install() { "$1/bin/python" -m pip install --quiet --disable-pip-version-check -c packaging/constraints.txt "${@:2}"; }

[ -x "$tools/bin/pip" ] || "$python" -m venv --clear "$tools"
install "$tools" build check-wheel-contents hatch-fancy-pypi-readme hatchling twine

mkdir -p dist
rm -f dist/t3tray-*.whl dist/t3tray-*.tar.gz
# The sdist first, and the wheel from it: what the sdist lacks, the wheel lacks.
"$tools/bin/python" -m build --no-isolation --outdir dist >/dev/null
"$tools/bin/twine" check --strict dist/t3tray-*.whl dist/t3tray-*.tar.gz
"$tools/bin/check-wheel-contents" --toplevel t3tray dist/t3tray-*.whl
size=$(wc -c <"$(echo dist/t3tray-*.tar.gz)")
[ "$size" -lt 700000 ] || { echo "The sdist has $size bytes, 700000 at most." >&2; exit 1; }

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$python" -m venv "$fresh"
install "$fresh" dist/t3tray-*.whl
"$fresh/bin/pip" check --disable-pip-version-check
"$python" packaging/smoke/smoke.py "$fresh/bin/t3tray"
