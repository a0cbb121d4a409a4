# Everything that people do here. `make` alone lists it.
VENV := .venv
PY := $(VENV)/bin/python
# The first interpreter that really runs and is new enough.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
PIP := $(PY) -m pip --disable-pip-version-check install --no-input --require-hashes
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo run test browser pictures check lint types contracts migrations lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/dev.stamp ## Make .venv with everything for development, and local keys
	@$(PY) -m config.firstrun

demo: $(VENV)/runtime.stamp ## Start everything with sandbox platforms, show orders becoming invoices, serve until Ctrl-C
	@$(PY) manage.py demo $(ARGS)

run: $(VENV)/runtime.stamp ## Run Tillbridge on this machine for real use, until Ctrl-C
	@$(PY) manage.py up $(ARGS)

test: $(VENV)/dev.stamp ## Run the tests (with PostgreSQL and Redis when they answer; TEST_SERVICES=none without)
	@$(PY) -m pytest $(ARGS)

browser: $(VENV)/dev.stamp ## Run only the console's stories in a real browser (needs Chromium)
	@$(PY) -m pytest tests/browser $(ARGS)

pictures: $(VENV)/dev.stamp ## Take the pictures of docs/operators anew from the running console (needs Chromium)
	@DJANGO_SETTINGS_MODULE=tests.settings $(PY) -m tests.browser.pictures $(ARGS)

check: lint types contracts migrations ## Style, types, architecture, migrations

lint: $(VENV)/dev.stamp ## Style
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/dev.stamp ## Types
	$(VENV)/bin/mypy

contracts: $(VENV)/dev.stamp ## Which part may import which
	$(VENV)/bin/lint-imports

migrations: $(VENV)/dev.stamp ## Whether the models have all their migrations
	DJANGO_SETTINGS_MODULE=tests.settings TEST_SERVICES=none $(PY) manage.py makemigrations --check --dry-run

lock: $(VENV)/dev.stamp ## Resolve requirements/*.in anew into hash-locked requirements/*.lock
	for name in runtime dev; do \
		$(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
			--upgrade requirements/$$name.in --output-file requirements/$$name.lock; done

clean: ## Remove .venv and caches (never .tillbridge, which holds your database and keys)
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@test -n "$(PYTHON)" || { echo "Tillbridge needs Python 3.11 or newer; none was found on PATH."; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "This Python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/runtime.stamp: requirements/runtime.lock | $(PY)
	@echo "Installing what Tillbridge runs on into $(VENV) (the first time takes a minute) ..."
	$(PIP) -r requirements/runtime.lock
	@touch $@

$(VENV)/dev.stamp: requirements/dev.lock | $(PY)
	@echo "Installing what development needs into $(VENV) (the first time takes a minute) ..."
	$(PIP) -r requirements/dev.lock
	@touch $(VENV)/runtime.stamp $@
