# Every target does its own set-up; see README.md.
.PHONY: run demo test quick soak check bench screenshots setup test-versions
.DEFAULT_GOAL := run

export PATH := $(CURDIR)/.tools/bin:$(PATH)
PYTEST = .venv/bin/python -m pytest

run:
	@packaging/setup.sh run
	@.venv/bin/t3tray

# The same on a scratch world that is gone afterwards.
demo:
	@packaging/setup.sh run
	@.venv/bin/t3tray --demo

# Four processes on two cores: many of them wait for a server or a program at any time.
test: setup
	$(PYTEST) -n 4 --dist worksteal --max-worker-restart 2

# Without any server, program or desktop: for while one writes.
quick: setup
	$(PYTEST) -q -n 2 --dist worksteal -m "not process" tests/unit tests/ui

# Random faults for a night, told as they go; T3TRAY_ROUNDS and T3TRAY_SEED choose, Ctrl+C ends it.
soak: setup
	T3TRAY_ROUNDS=$${T3TRAY_ROUNDS:-10000} $(PYTEST) -s -m soak

# The integration tests that matter on the oldest OpenCode that is supported, one between and the pinned one.
test-versions: setup
	@packaging/setup.sh versions
	.venv/bin/python -m tests.versions

check: setup
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/mypy --platform darwin --cache-dir .mypy_cache/darwin
	.venv/bin/mypy --platform win32 --cache-dir .mypy_cache/win32
	$(PYTEST) -q tests/unit/test_layers.py

bench: setup
	.venv/bin/python -m tests.bench

# The real app in the demo's world, on an X server of its own.
screenshots: setup
	.venv/bin/python -m tests.screenshots

setup:
	@packaging/setup.sh test
