# `make demo` and `make test` set up all that they need. `make help` lists the rest.
SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CACHE := .cache

.DEFAULT_GOAL := help
.PHONY: help install demo unit test faults bench rebalance profile mutants rendered chart chart-cluster alerts lint workflows format lock docs screenshots clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

install: $(VENV)/installed  ## .venv with the product in it
$(VENV)/installed: requirements/run.txt requirements/build.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: --require-hashes -r requirements/run.txt -r requirements/build.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/developed: $(VENV)/installed requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: --require-hashes -r requirements/dev.txt
	@touch $@

demo: install  ## the whole way on this machine, with an embedded broker and a stand-in of Segment; KEEP=1 leaves its pages up
	@$(BIN)/sprig-to-segment demo $(if $(KEEP),--keep)

unit: $(VENV)/developed  ## the tests that need nothing but Python
	$(BIN)/python -m pytest --numprocesses 4 --dist worksteal tests/unit

test: $(VENV)/developed  ## all tests, with Kafka and the product's image in containers
	@mkdir -p $(CACHE)
	tests/infra/up > $(CACHE)/bed.env
	set -a && . $(CACHE)/bed.env && set +a && $(BIN)/python -m pytest --numprocesses 4 --dist worksteal

MUTANTS := $(CACHE)/mutants.venv/bin/python
FAULTS_MINUTES := 25
faults: $(VENV)/developed  ## the long form of each fault, and a table of what it cost; it fails if it takes longer than 25 minutes
	@mkdir -p $(CACHE)
	tests/infra/up > $(CACHE)/bed.env
	set -a && . $(CACHE)/bed.env && set +a && SECONDS=0 && \
	  $(BIN)/python -m pytest -m long --numprocesses 2 --dist worksteal tests/faults tests/unit/flow/test_mutated_values.py && \
	  { ((SECONDS <= 60 * $(FAULTS_MINUTES))) || { echo "that took $$SECONDS s, more than $(FAULTS_MINUTES) minutes"; exit 1; }; }

mutants:  ## whether each change of the code that commits is noticed by a test; 25 minutes, in a .venv of its own
	$(PYTHON) -m venv $(CACHE)/mutants.venv
	$(MUTANTS) -m pip install --quiet --disable-pip-version-check --only-binary=:all: --require-hashes \
	  -r requirements/run.txt -r requirements/build.txt -r requirements/dev.txt
	$(MUTANTS) -m pip install --quiet --disable-pip-version-check --no-build-isolation --require-hashes -r requirements/mutants.txt
	$(MUTANTS) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	$(MUTANTS) -m tests.mutants.run

rendered: $(VENV)/developed  ## write what the chart's value sets render to and its page anew, for a reviewer to see; it takes Go
	$(BIN)/python -m tests.chart.rendering
	$$(tests/infra/gotool helm-docs) --chart-search-root=helm --sort-values-order=file --log-level=error

chart: $(VENV)/developed  ## the chart before tools of Go, and its alerts and dashboard before promtool
	$(BIN)/python -m pytest tests/chart/with_go.py tests/chart/test_alerts.py tests/chart/test_dashboard.py

# The engine's broker where there is one, else the embedded one.
with_bed = mkdir -p $(CACHE) && tests/infra/up > $(CACHE)/bed.env || : > $(CACHE)/bed.env; set -a && . $(CACHE)/bed.env && set +a

BENCH ?= --json $(CACHE)/bench.json
bench: $(VENV)/developed  ## what an event costs in CPU and memory, beside a bare loop over the same records
	@$(with_bed) && $(BIN)/python -m bench ratio $(BENCH)

rebalance: $(VENV)/developed  ## what a member that comes and goes costs in delay; for a machine that does nothing else
	@$(with_bed) && $(BIN)/python -m bench rebalance

profile: $(VENV)/developed  ## where the time goes, function by function
	@$(with_bed) && $(BIN)/python -m bench profile

chart-cluster: $(VENV)/developed  ## the chart before a real API server, which takes minutes to build once
	$(BIN)/python -m pytest tests/chart/cluster.py

alerts: $(VENV)/developed  ## the alert rules and the dashboard's queries, by promtool
	$(BIN)/python -m pytest tests/chart/test_alerts.py tests/chart/test_dashboard.py

lint: $(VENV)/developed  ## format, style, types, shell scripts, Dockerfiles, values
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/shellcheck .ci/run $$(grep -lE '^#!.*(bash|sh)$$' -r tests/infra)
	$(BIN)/hadolint Dockerfile tests/infra/*/Dockerfile
	$(BIN)/yamllint --strict helm/Chart.yaml helm/values.yaml helm/ci .github

workflows: $(VENV)/developed  ## what the public workflows say and may do
	$$(tests/infra/gotool actionlint) -shellcheck=$(BIN)/shellcheck -pyflakes=
	$(BIN)/zizmor --offline --no-progress --quiet --persona=pedantic .github

format: $(VENV)/developed  ## let the formatter have its way
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

UPGRADE ?= --upgrade
lock: $(VENV)/developed  ## resolve requirements/*.in anew, with hashes
	pins=(); for set in run build test dev mutants; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    $(UPGRADE) "$${pins[@]}" requirements/$$set.in -o requirements/$$set.txt || exit 1; pins+=(-c requirements/$$set.txt); \
	done

docs: install  ## write the reference page of the metrics anew
	$(BIN)/python -c "from consumer.observability.metrics_docs import page; print(page(), end='')" > docs/metrics.md

screenshots: $(VENV)/developed  ## take the pictures of docs/ anew, with Chromium
	$(BIN)/python -m tests.browser.screenshots

clean:  ## remove what was made here
	rm -rf $(VENV) $(CACHE) .pytest_cache .mypy_cache .ruff_cache
