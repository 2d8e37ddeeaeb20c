# `make demo` and `make test` set up everything that they need. `make help` lists the other targets.
SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CACHE := .cache

.DEFAULT_GOAL := help
.PHONY: help install demo unit test faults versions soak bench rebalance profile mutants rendered chart chart-cluster cluster alerts lint workflows format lock docs screenshots clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

install: $(VENV)/installed  ## create .venv with the product in it
$(VENV)/installed: requirements/run.txt requirements/build.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else 0'
	@mkdir -p $(VENV) && test -w $(VENV) || { \
	  echo "$(VENV) cannot be written: choose another folder, as in: make $(firstword $(MAKECMDGOALS)) VENV=/tmp/venv" >&2; exit 1; }
	@echo "Installing the product into $(VENV)."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: --require-hashes -r requirements/run.txt -r requirements/build.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/developed: $(VENV)/installed requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: --require-hashes -r requirements/dev.txt
	@touch $@

demo: install  ## run the whole pipeline on this machine, with an embedded broker and a stand-in for Segment; KEEP=1 keeps it up to try commands on it
	@$(BIN)/sprig-to-segment demo $(if $(KEEP),--keep)
	@$(if $(KEEP),,echo "make demo KEEP=1 keeps all of this up, and prints commands to try on it.")

unit: $(VENV)/developed  ## run the tests that need only Python
	$(BIN)/python -m pytest --numprocesses 4 --dist worksteal tests/unit

test: $(VENV)/developed  ## run all tests, with Kafka and the product's image in containers
	@mkdir -p $(CACHE)
	tests/infra/up > $(CACHE)/test_bed.env
	set -a && . $(CACHE)/test_bed.env && set +a && $(BIN)/python -m pytest --numprocesses 4 --dist loadscope

MUTANTS := $(CACHE)/mutants.venv/bin/python
FAULTS_MINUTES := 25
faults: $(VENV)/developed  ## run the long form of each fault and print what it cost; more than 25 minutes are a failure
	@mkdir -p $(CACHE)
	tests/infra/up > $(CACHE)/test_bed.env
	set -a && . $(CACHE)/test_bed.env && set +a && SECONDS=0 && \
	  $(BIN)/python -m pytest -m long --numprocesses 2 --dist loadscope tests/faults tests/unit/flow/test_mutated_values.py && \
	  { ((SECONDS <= 60 * $(FAULTS_MINUTES))) || { echo "the faults took $$SECONDS s, more than $(FAULTS_MINUTES) minutes"; exit 1; }; }

versions: $(VENV)/developed  ## run the service with each supported version of Kafka
	@mkdir -p $(CACHE)
	tests/infra/up versions > $(CACHE)/versions.env
	set -a && . $(CACHE)/versions.env && set +a && $(BIN)/python -m pytest --numprocesses 2 tests/faults/kafka_versions.py

soak: $(VENV)/developed  ## run members under load and small faults for SOAK_MINUTES (60), and print how memory and lag grow
	@mkdir -p $(CACHE)
	tests/infra/up > $(CACHE)/test_bed.env
	@set -a && . $(CACHE)/test_bed.env && set +a && $(BIN)/python -m tests.soak.run

mutants:  ## check that a test notices each change of the code that commits; 25 minutes, in a separate .venv
	$(PYTHON) -m venv $(CACHE)/mutants.venv
	$(MUTANTS) -m pip install --quiet --disable-pip-version-check --only-binary=:all: --require-hashes \
	  -r requirements/run.txt -r requirements/build.txt -r requirements/dev.txt
	$(MUTANTS) -m pip install --quiet --disable-pip-version-check --no-build-isolation --require-hashes -r requirements/mutants.txt
	$(MUTANTS) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	$(MUTANTS) -m tests.mutants.run

rendered: $(VENV)/developed  ## render the chart's value sets and its README again, for a reviewer; requires Go
	$(BIN)/python -m tests.chart.rendering
	$$(tests/infra/gotool helm-docs) --chart-search-root=helm --sort-values-order=file --log-level=error

chart: $(VENV)/developed  ## check the chart with kube-score and helm-docs, and its alerts and dashboard with promtool
	@tests/infra/gotool kube-score >/dev/null && tests/infra/gotool helm-docs >/dev/null  # outside of a test's time limit
	$(BIN)/python -m pytest tests/chart/with_go.py tests/chart/test_alerts.py tests/chart/test_dashboard.py

# The broker of the container engine if there is one, else the embedded broker.
with_test_bed = mkdir -p $(CACHE) && tests/infra/up > $(CACHE)/test_bed.env || : > $(CACHE)/test_bed.env; set -a && . $(CACHE)/test_bed.env && set +a

BENCH ?= --json $(CACHE)/bench.json
bench: $(VENV)/developed  ## measure CPU and memory for each event, next to a bare loop over the same records
	@$(with_test_bed) && $(BIN)/python -m bench ratio $(BENCH)

rebalance: $(VENV)/developed  ## measure the delay that a joining and leaving member causes; run it on an idle machine
	@$(with_test_bed) && $(BIN)/python -m bench rebalance

profile: $(VENV)/developed  ## profile the service, function by function
	@$(with_test_bed) && $(BIN)/python -m bench profile

chart-cluster: $(VENV)/developed  ## install the chart on a real API server, which takes minutes to build once
	$(BIN)/python -m pytest tests/chart/cluster.py

cluster: $(VENV)/developed  ## run the chart on a cluster of two nodes, and print what each change and outage cost; requires root
	@mkdir -p $(CACHE)
	tests/infra/up > $(CACHE)/test_bed.env
	set -a && . $(CACHE)/test_bed.env && set +a && $(BIN)/python -m tests.cluster.run $(if $(SHORT),,-m "long or not long") $(CLUSTER)

alerts: $(VENV)/developed  ## check the alert rules and the dashboard's queries with promtool
	$(BIN)/python -m pytest tests/chart/test_alerts.py tests/chart/test_dashboard.py

lint: $(VENV)/developed  ## check format, style, types, shell scripts, Dockerfiles, values and commit subjects
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/shellcheck .ci/run $$(grep -lE '^#!.*(bash|sh)$$' -r tests/infra)
	$(BIN)/hadolint Dockerfile tests/infra/*/Dockerfile
	$(BIN)/yamllint --strict compose.yaml helm/Chart.yaml helm/values.yaml helm/ci .github
	tests/infra/commit_subjects

workflows: $(VENV)/developed  ## check the public workflows and their permissions
	$$(tests/infra/gotool actionlint) -shellcheck=$(BIN)/shellcheck -pyflakes=
	$(BIN)/zizmor --offline --no-progress --quiet --persona=pedantic .github

format: $(VENV)/developed  ## format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

UPGRADE ?= --upgrade
lock: $(VENV)/developed  ## resolve pyproject.toml and requirements/*.in again, with hashes
	pins=(); for set in run otel build test dev mutants image; do \
	  source=requirements/$$set.in; \
	  case $$set in run) source=pyproject.toml;; otel) source='pyproject.toml --extra otel';; esac; \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    $(UPGRADE) "$${pins[@]}" $$source -o requirements/$$set.txt || exit 1; pins+=(-c requirements/$$set.txt); \
	done

docs: install  ## write the reference page of the metrics again
	$(BIN)/python -c "from consumer.observability.metrics_docs import page; print(page(), end='')" > docs/metrics.md

screenshots: $(VENV)/developed  ## take the pictures of docs/ again, with Chromium
	$(BIN)/python -m tests.browser.screenshots

clean:  ## remove everything that these targets created
	rm -rf $(VENV) $(CACHE) .pytest_cache .mypy_cache .ruff_cache
