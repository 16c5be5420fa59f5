# make quickstart   set everything up and choose data from a pool that the project makes by itself
# make test         run the tests
# make check        formatting, lint, types and tests: what a change must pass
# make format       put the code into shape
# make docs         the pages of docs/ as a site, in site/
#
# All work happens in .venv, with the versions of constraints.txt. PYTHON=python3.12 picks the Python.

SHELL := bash
BIN := .venv/bin
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for it in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$it -c '$(NEW_ENOUGH)' 2>/dev/null && { echo $$it; exit; }; done; echo python3)

export HF_HUB_OFFLINE ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

.PHONY: quickstart test check format docs

quickstart: .venv/.ready
	@$(BIN)/python -m selectlang.demo

test: .venv/.ready
	$(BIN)/python -m pytest

check: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

format: .venv/.ready
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

# The variable silences a note of the theme: it is kept until May 2027, and its successor reads mkdocs.yml too.
docs: .venv/.ready
	$(BIN)/python -m selectlang.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "The site is in site/: open site/index.html, or serve it with .venv/bin/mkdocs serve"

# The folders plugins/ and specs/ get the names they are imported by, for mypy, which follows no import hook.
.venv/.ready: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into .venv. The first time this downloads torch, which is large."
	@set -o pipefail; $(BIN)/python -m pip install --constraint constraints.txt --editable ".[demo,train,dev]" \
		| { grep --line-buffered -oE "Downloading .*|Installing collected packages" || true; }
	@mkdir -p .venv/packages
	@ln -sfn ../../plugins .venv/packages/selectlang_plugins
	@ln -sfn ../../specs .venv/packages/selectlang_specs
	@touch $@

# Debian keeps ensurepip, which venv needs, in a package of its own.
HAS_VENV = $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null
DEBIAN_PACKAGE = python$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv

$(BIN)/python:
	@$(PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null || { \
		echo "selectlang needs Python 3.11 or later; name one with: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(HAS_VENV) || { \
		command -v apt-get >/dev/null && { test "$$(id -u)" = 0 || sudo -n true 2>/dev/null; } && \
		run=$$(test "$$(id -u)" = 0 || echo "sudo -n") && echo "Installing $(DEBIAN_PACKAGE)" && \
		$$run apt-get -qq update && \
		$$run env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y $(DEBIAN_PACKAGE) >/dev/null && \
		$(HAS_VENV); } || { \
		echo "$(PYTHON) cannot make a virtual environment; run: sudo apt-get install $(DEBIAN_PACKAGE)" >&2; exit 1; }
	@$(PYTHON) -m venv .venv
