# Needs Python 3.11 or newer, make and git. Everything else is installed into .venv, pinned by
# requirements.lock.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
export PIP_DISABLE_PIP_VERSION_CHECK = 1

BIN := .venv/bin
SOURCES := server storage tests protos $(wildcard benchmarks)
FAST_LINTS := lint-python lint-text lint-types lint-imports
TEXT_TESTS := tests/docs/test_line_length.py tests/docs/test_references.py
# A Python to prefer over those on the PATH, and extra arguments for pytest or the benchmarks.
PYTHON ?=
ARGS ?=

.PHONY: help
help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | \
	  while IFS='|' read -r name text; do printf '%-24s %s\n' "  $$name" "$$text"; done

.PHONY: run
run: install ## Install what is missing, then serve (REST 8080, gRPC 50051); Ctrl-C stops it
	@exec $(BIN)/carillon serve

.PHONY: test
test: install ## Run the test suite; ARGS="-k cancel -x" goes to pytest
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: chaos
chaos: install ## Kill, stop, fill and break things under load; 12 min. ARGS="--help"
	@$(BIN)/python -m tests.chaos $(ARGS)

.PHONY: attack
attack: install ## Attack the service at full size; ARGS="--scale 0.01" for a hundredth, -k for one
	@$(BIN)/python -m pytest -q tests/attack $(ARGS)

.PHONY: audit
audit: install ## Ask osv.dev for advisories about the pinned dependencies; exit 2 if it is away
	@$(BIN)/python -m tests.supply.audit $(ARGS)

.PHONY: prove
prove: install ## Take each safeguard out of a copy, see a test go red; 12 min. ARGS="NAME" for one
	@$(BIN)/python -m tests.prove $(ARGS)

.PHONY: lint
lint: lint-lock $(FAST_LINTS) lint-protos lint-envoy ## Every static check

.PHONY: format
format: install ## Lay out the code as the checks want it
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix --quiet $(SOURCES)

.PHONY: check
check: $(FAST_LINTS) ## The loop: layout, lint, types, imports and the pure tests; under a minute
	@$(BIN)/python -m pytest -q tests/domain tests/rules

.PHONY: protos
protos: install ## Regenerate generated/ from protos/
	@$(BIN)/python protos/generate.py

.PHONY: docs
docs: install ## Write docs/configuration.md from the settings, docs/scopes.md from the protos
	@$(BIN)/python -m server.config.page > docs/configuration.md
	@$(BIN)/python protos/scopes_page.py > docs/scopes.md

.PHONY: bench
bench: install .venv-bench/.installed ## Run the benchmarks beside their peers; ARGS="--only drain"
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-audience
bench-audience: install ## Import, count, resolve a million people; ARGS="--people 100000" for fewer
	@$(BIN)/python -m benchmarks.audience $(ARGS)

.PHONY: install
install: .venv/.package .venv/.protos ## Create .venv and install, if what it is made of changed

.PHONY: clean
clean: ## Remove .venv and caches; data in var/ stays
	rm -rf .venv .venv-bench benchmarks/peers/node_modules build *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find $(SOURCES) generated -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: lint-lock $(FAST_LINTS) lint-protos lint-envoy
lint-lock: install
	$(BIN)/python -m pip check

lint-python: install
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

# What ruff does not read: the length of lines in pages, protos and the rest; names that texts use.
lint-text: install
	$(BIN)/python -m pytest -q --no-header -p no:cacheprovider $(TEXT_TESTS)

lint-types: install
	$(BIN)/mypy $(SOURCES)

lint-imports: install
	$(BIN)/lint-imports --no-logo

lint-protos: install
	$(BIN)/python protos/generate.py --check
	$(BIN)/python protos/check.py

lint-envoy: install
	$(BIN)/envoy --mode validate --log-level warning -c envoy.yaml

# Nothing of it is a dependency of Carillon. What cannot be installed is not measured, and tried
# again the next time.
PEERS := benchmarks/peers/requirements.txt benchmarks/peers/package.json
.venv-bench/.installed: $(PEERS) | .venv/.package
	@echo 'Installing what the benchmarks compare with into .venv-bench (a minute or two)'
	@$(BIN)/python -m benchmarks.peers.environment && touch $@ || true

# The two stamps are apart because a change of tool settings in pyproject.toml needs no look at the
# dependencies.
.venv/.package: pyproject.toml .venv/.dependencies
	@echo 'Installing Carillon itself, editable'
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# What the protos import, for buf and protoc.
.venv/.protos: protos/imports.py protos/printer.py .venv/.dependencies
	@$(BIN)/python protos/imports.py
	@touch $@

.venv/.dependencies: requirements.lock | $(BIN)/python
	@echo 'Installing the pinned dependencies of requirements.lock (a minute or two the first time)'
	@$(BIN)/python -m pip install --quiet --no-compile --require-hashes -r requirements.lock
	@touch $@

$(BIN)/python:
	@for python in $(PYTHON) python3.11 python3; do \
	  if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	      2>/dev/null; then \
	    echo "Creating .venv with $$($$python --version)"; \
	    exec $$python -m venv .venv; \
	  fi; \
	done; \
	echo 'Carillon needs Python 3.11 or newer with its venv module' >&2; \
	echo '(on Debian and Ubuntu the package python3-venv).' >&2; \
	echo 'Neither python3.11 nor python3 on the PATH is one;' >&2; \
	echo 'name it with: make PYTHON=/path/to/python3.11 …' >&2; \
	exit 1
