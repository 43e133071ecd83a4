# Python 3.11 or newer, pip and make are all that is needed; everything is installed into .venv.

PYTHON ?= python3
BIN := .venv/bin
LOCK := requirements-dev.lock
IMAGE_LOCK := docker/requirements.lock
COMPILE := $(BIN)/uv pip compile --quiet --python-version 3.11 --no-header --no-annotate --no-emit-index-url
# Two processes, each with a server of its own; one that is given takes the tests of one at a time.
PYTEST := $(BIN)/python -m pytest $(if $(ELASTICSEARCH_URL),,-n 2 --dist worksteal)

.DEFAULT_GOAL := help
.PHONY: help demo test soak matrix lint bench docs dist lock clean

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.demo  ## Train, index and search real text in two languages (about three minutes).
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python examples/demo.py

test: .venv/.dev  ## Run all tests; writes build/junit.xml.
	@mkdir -p build
	$(PYTEST) --junitxml=build/junit.xml

soak: .venv/.dev  ## Break reindexing on a real server for twenty minutes and more, with new seeds each time.
	ENRICHER_REQUIRE_SERVER=1 ENRICHER_SOAK=1200 $(PYTEST) tests/server/reindex -m 'soak or not soak' -rP

matrix: .venv/.dev  ## Run the tests of servers on every supported server, and write docs/support.md (about an hour).
	ENRICHER_REQUIRE_SERVER=1 $(BIN)/python -m tests.server.matrix

lint: .venv/.dev  ## Check style, types and the direction of imports.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev  ## Measure what docs/performance.md and docs/relevance.md say, and write them (about two hours).
	$(BIN)/python -m benchmarks

docs: .venv/.dev  ## Write the generated pages of docs anew.
	$(BIN)/python docs/generate.py

dist: .venv/.dev  ## Build and check the packages for publication: dist/*.whl and dist/*.tar.gz.
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/python -m twine check --strict dist/*

lock: .venv/.dev  ## Choose new versions of all dependencies: for this folder, and for the image among them.
	$(BIN)/python -m pip install --quiet uv
	echo 'setuptools>=77' | $(COMPILE) pyproject.toml - --group dev --extra demo --upgrade --output-file $(LOCK)
	$(COMPILE) pyproject.toml --constraint $(LOCK) --output-file $(IMAGE_LOCK)

clean:  ## Remove what the other targets made, .venv too.
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The stamps make an installation run only when the dependencies have changed. The lock file bounds
# the demo's versions too; setuptools comes first because the package itself is built without isolation.

.venv/.demo: pyproject.toml $(LOCK)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) setuptools
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) \
		--no-build-isolation --editable '.[demo]'
	@touch $@

.venv/.dev: pyproject.toml $(LOCK)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch .venv/.demo $@
