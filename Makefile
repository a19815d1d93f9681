# Every target does its own set-up; see README.md.
.PHONY: help run demo test quick soak check coverage bench screenshots setup test-versions wheel app-check win-check freeze smoke deb deb-check dist-check
.DEFAULT_GOAL := run

export PATH := $(CURDIR)/.tools/bin:$(PATH)
PYTEST = .venv/bin/python -m pytest

help:  ## say what each target does
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r target text; do printf '%-20s %s\n' "$$target" "$$text"; done

run:  ## start the app; without a display, the same in the terminal
	@packaging/setup.sh run
	@.venv/bin/t3tray

demo:  ## the same on a scratch world that is gone afterwards
	@packaging/setup.sh run
	@.venv/bin/t3tray --demo

# More processes than the two cores of CI: many of them wait for a server, a program or a clock at any time.
test: setup  ## everything: units, the real OpenCode against a loopback model, real windows
	$(PYTEST) -n 4 --dist worksteal --max-worker-restart 2

quick: setup  ## the tests that start no program, for while one writes
	$(PYTEST) -q -n 3 --dist worksteal -m "not process" tests/unit tests/ui

soak: setup  ## random faults for a night; T3TRAY_ROUNDS and T3TRAY_SEED choose, Ctrl+C ends it
	T3TRAY_ROUNDS=$${T3TRAY_ROUNDS:-10000} $(PYTEST) -s -m soak

test-versions: setup  ## the tests that matter on each OpenCode that is supported, and a table of them
	@packaging/setup.sh versions
	.venv/bin/python -m tests.versions

# The tests run on Linux: they fork, make FIFOs and stop processes by signals, for which Windows has no names, nor macOS for all.
check: setup  ## ruff, mypy for three platforms, the layer test
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/mypy --platform darwin --cache-dir .mypy_cache/darwin t3tray
	.venv/bin/mypy --platform win32 --cache-dir .mypy_cache/win32 t3tray
	$(PYTEST) -q tests/unit/test_layers.py

coverage: setup  ## what domain, threads and guard have run by their own unit tests, and the least of each
	@$(MAKE) --no-print-directory -j 2 covered-threads covered-guard covered-domain

covered-domain: LEAST = 98
covered-threads: LEAST = 95
covered-guard: LEAST = 92
covered-%: export COVERAGE_FILE = .coverage.$*
covered-%:
	@.venv/bin/python -m coverage run --source=t3tray/$* -m pytest -q -m "not process" -p no:cacheprovider tests/unit/$*
	@.venv/bin/python -m coverage report --fail-under=$(LEAST)

bench: setup  ## speed and size, as a table
	.venv/bin/python -m tests.bench

screenshots: setup  ## every screen again, from the real app in the demo's world
	.venv/bin/python -m tests.screenshots

wheel: setup  ## wheel and sdist in dist/, checked, installed in a fresh environment and tried
	@packaging/make_wheel.sh

app-check: setup  ## t3tray.app for both kinds of Mac from its real libraries, laid out and signed here, and read back
	@packaging/macos/app_check.sh

win-check: setup  ## the package for Windows: its installer's script, programs and real libraries, read here
	@packaging/windows/win_check.sh

freeze:  ## the packaged program in dist/, with Python and Qt
	@packaging/freeze/build.sh

deb: freeze  ## a package for Debian and Ubuntu in dist/, of the packaged program
	@packaging/setup.sh deb
	@packaging/deb/build_deb.sh

deb-check: setup deb  ## install, use, upgrade and purge it in a fresh Debian; as root, five minutes
	@packaging/setup.sh deb-check
	@packaging/deb/check_deb.sh

PROGRAM ?= $(firstword $(wildcard dist/t3tray.app/Contents/MacOS/t3tray dist/t3tray/t3trayc.exe dist/t3tray/t3tray))
smoke: setup  ## the checks of every package on that of `make freeze`, or on PROGRAM
	@.venv/bin/python packaging/smoke/smoke.py $(PROGRAM)

dist-check: wheel app-check win-check deb smoke  ## every package, built or laid out, and checked, but for what needs root

setup:  ## what the tests need, into .venv and .tools
	@packaging/setup.sh test
