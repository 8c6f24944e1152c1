# Two commands matter: `make run` and `make test`. Both work on a fresh machine with python >= 3.11 and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(VENV)

.PHONY: run test setup setup-dev lint bench test-faults services clean

run: $(VENV)/.run
	@exec $(BIN)/python manage.py up

test: $(VENV)/.dev services
	@$(BIN)/python -m tests.runner

test-faults: $(VENV)/.dev services
	@COSTWATCH_FAILPOINT_ROUNDS=10 COSTWATCH_WORKERS=8 COSTWATCH_SCHEDULERS=3 COSTWATCH_RESTARTS=10 COSTWATCH_DEADLINE=60 \
		$(BIN)/python -m tests.runner --faults tests/ingest/test_faults.py tests/workers/test_many.py \
		tests/workers/test_processes.py tests/upstream/test_client.py::test_http_01_a_dripping_answer_ends_at_the_deadline
	@COSTWATCH_DATA_DIR=$${TMPDIR:-/tmp}/costwatch-faults $(BIN)/python -m tests.faults --seeds 20 --kills 50 --days 90

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy costwatch pricing
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

bench: $(VENV)/.dev services
	@$(BIN)/uv sync --quiet --frozen --inexact --group bench
	@$(BIN)/python -m bench

setup: $(VENV)/.run
setup-dev: $(VENV)/.dev

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "costwatch needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r .ci/uv.txt

$(VENV)/.run: uv.lock pyproject.toml | $(BIN)/uv
	@echo "Installing the locked dependencies"
	@$(BIN)/uv sync --quiet --frozen --no-dev --inexact
	@touch $@

$(VENV)/.dev: uv.lock pyproject.toml | $(BIN)/uv
	@echo "Installing the locked dependencies"
	@$(BIN)/uv sync --quiet --frozen --inexact
	@touch $@ $(VENV)/.run

services:
	@sh .ci/services

clean:
	rm -rf $(VENV) staticfiles .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
