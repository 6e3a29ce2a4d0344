# Everything a developer needs, on a machine with Python >= 3.11, Node >= 20 and make.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

PYTHON ?= python3
PORT ?= 8787
export PORT

BIN := .venv/bin
FRAMEWORKS := .venv-frameworks
NPM := npm --prefix web --no-update-notifier
PAGE := packages/coatcheck-chat/src/coatcheck_chat/page/index.html
NODE_MODULES := web/node_modules/.package-lock.json
PAGE_SOURCES := $(shell find web -type f \
	-not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/test/*' 2>/dev/null)
LIBRARY := packages/coatcheck/pyproject.toml
CHAT := packages/coatcheck-chat/pyproject.toml
EDITABLE := -e packages/coatcheck -e packages/coatcheck-chat
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-package coatcheck --no-emit-index-url --custom-compile-command 'make requirements'

.PHONY: help demo setup page docs docs-serve check test lint format bench mutants release-check version dist requirements clean

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

demo: .venv/demo.stamp $(PAGE) ## Set up, build the page and serve the chat on http://127.0.0.1:8787 (PORT= changes it)
	$(BIN)/coatcheck-chat --open --port $(PORT)

setup: .venv/dev.stamp $(NODE_MODULES) $(PAGE) ## Set up everything but the browser; makes .venv/bin/coatcheck

page: $(PAGE) ## Build the page

docs: .venv/dev.stamp $(NODE_MODULES) ## Build the documentation site in build/site/html; a warning fails
	$(BIN)/python -m website build

docs-serve: .venv/dev.stamp $(NODE_MODULES) ## Serve the documentation on http://127.0.0.1:8000, anew after each change
	$(BIN)/python -m website serve

# What needs no browser, no server and few worker processes.
check: lint ## Lint, types, contracts and the quick tests, in two minutes
	$(BIN)/pytest -q -n 2 --dist loadfile tests/contracts tests/unit \
		$(addprefix --ignore=tests/unit/,agent benchmarks cli imaging migration release workers test_embedding.py payload/middleware \
		payload/test_blocking.py payload/test_laws.py payload/test_splicing.py payload/test_streaming.py)

# A worker that ends in the last file (a test over its time limit ends it) would be replaced, and
# pytest-xdist 3.8 would then wait for ever: none is replaced. Hypothesis' profile `ci` has fixed seeds.
# A browser on a busy machine now and then misses a moment: what fails runs once more, and is listed.
test: setup lint docs $(FRAMEWORKS)/stamp ## Lint, type-check, and run every test, the browser's too (CHROMIUM= names a browser)
	CHROMIUM="$$(./scripts/find-chromium)" && export CHROMIUM && $(BIN)/pytest -n 2 --dist loadfile --max-worker-restart=0 --hypothesis-profile=ci --reruns 1 -rfER
	$(FRAMEWORKS)/bin/pytest tests/golden
	$(NPM) test
	@if git ls-files --error-unmatch Makefile >/dev/null 2>&1; then $(BIN)/python -m release check; \
		else echo 'No git checkout: the release check, which takes what git tracks, is left out.'; fi

lint: .venv/dev.stamp $(NODE_MODULES) ## Lint, formats, types and import contracts, both languages
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(NPM) run lint
	$(NPM) run typecheck

format: .venv/dev.stamp ## Format and mend what can be mended automatically
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup ## Measure what the README claims; prints ratios and which targets hold, in about half an hour
	$(BIN)/python -m benchmarks.run

mutants: setup ## Weaken each defence in turn; a test must notice (AREAS= names some of tests/mutations/*.toml)
	CHROMIUM="$$(./scripts/find-chromium)" && export CHROMIUM && $(BIN)/python -m tests.mutations $(AREAS)

release-check: .venv/dev.stamp ## Build sdist, wheel and npm package of the tracked files, install and use each
	$(BIN)/python -m release check

version: .venv/dev.stamp ## Print the version, or set it everywhere and cut the changelog (VERSION=X.Y.Z)
	$(BIN)/python -m release version $(VERSION)

dist: .venv/dev.stamp ## Check a commit for release and put its archives into dist/
	$(BIN)/python -m release check --keep dist

requirements: .venv/uv.stamp ## Pin the newest versions that pyproject.toml allows
	$(COMPILE) --upgrade requirements/uv.in -o requirements/uv.txt
	$(COMPILE) --upgrade $(CHAT) requirements/build.in -o requirements/demo.txt
	$(COMPILE) --upgrade $(CHAT) requirements/build.in --group pyproject.toml:dev \
		-c requirements/demo.txt -o requirements/dev.txt
	$(COMPILE) --upgrade $(LIBRARY) requirements/build.in --group pyproject.toml:frameworks \
		-o requirements/frameworks.txt

clean: ## Remove what was built and installed; data in .coatcheck/ stays
	rm -rf .venv $(FRAMEWORKS) build web/node_modules web/*/node_modules web/packages/*/node_modules \
		web/packages/*/dist packages/coatcheck-chat/src/coatcheck_chat/page \
		.mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/uv.stamp: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed: PYTHON=python3.12 make ...' >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
		{ echo 'The venv module is missing; on Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/demo.stamp: .venv/uv.stamp requirements/demo.txt $(LIBRARY) $(CHAT)
	$(BIN)/uv pip install --quiet --require-hashes -r requirements/demo.txt
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

.venv/dev.stamp: .venv/demo.stamp requirements/dev.txt
	$(BIN)/uv pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# What tests/golden serialises: some of these frameworks hold back what others here need.
$(FRAMEWORKS)/stamp: .venv/uv.stamp requirements/frameworks.txt $(LIBRARY) $(CHAT)
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(FRAMEWORKS)
	$(BIN)/uv pip install --quiet --python $(FRAMEWORKS) --require-hashes -r requirements/frameworks.txt
	$(BIN)/uv pip install --quiet --python $(FRAMEWORKS) --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

$(NODE_MODULES): web/package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || \
		{ echo 'Node.js 20 or newer is needed: https://nodejs.org' >&2; exit 1; }
	$(NPM) ci
	@touch $@

$(PAGE): $(NODE_MODULES) $(PAGE_SOURCES)
	$(NPM) run build
	@touch $@
