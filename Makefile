# `make run` is for people, `make test` for contributors. The README tells more.
# Another Python: make run PYTHON=/path/to/python3.12

PYTHON  ?=
VENV    := .venv
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --disable-pip-version-check
SOURCES := pyproject.toml constraints.txt
FAILED  := { echo 'The installation failed, see above. Is the package index within reach? Behind a proxy: HTTPS_PROXY.' >&2; exit 1; }

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run login test again check pictures contract bench lock clean

help:
	@echo 'make run    the app on http://127.0.0.1:8080 (with Dify: DIFY_BASE_URL and DIFY_API_KEY)'
	@echo 'make run HOST_SITE=1  the same, and beside it another site that has the chat in its page'
	@echo 'make login  the app with a login, and a provider for it on this computer'
	@echo 'make test   every check and every test, in a real database and a real browser'
	@echo 'make check  style, types and import rules alone'
	@echo 'make bench  how fast answers reach the browser, as one table (QUICK=1: a first look)'
	@echo 'make pictures  the pictures of the README, taken anew'
	@echo 'make contract  docs/contract.md, from the list in tests/contract/handled'
	@echo 'make lock   newest versions of all dependencies into constraints.txt'
	@echo 'make clean  remove the virtual environment'
	@echo 'Something is wrong? $(BIN)/webapp doctor looks for it, and says how to mend it'

run: $(VENV)/.run
	@exec $(BIN)/python $(if $(HOST_SITE),tools/host_site.py,-m webapp serve)

login: $(VENV)/.test
	@exec $(BIN)/python tools/try_login.py

test: check
	@$(BIN)/python tests/support/chromium.py
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder || $(MAKE) --no-print-directory again

# What failed beside others on a busy machine is run once more, alone and in sight: what fails again has failed.
again:
	@echo 'Some tests have failed beside others, see above. Each of them once more, alone:'
	@$(BIN)/python -m pytest --last-failed --last-failed-no-failures none

check: $(VENV)/.test
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports

pictures: $(VENV)/.test
	@$(BIN)/python tests/support/chromium.py
	@$(BIN)/python -m pytest -q tests/journeys --pictures docs

contract: $(VENV)/.test
	@$(BIN)/python tests/contract/contract_page.py

bench: $(VENV)/.test
	@$(BIN)/python tests/support/chromium.py
	@cd tests && ../$(BIN)/python -m bench $(if $(QUICK),--quick)

lock: $(VENV)/.test
	@$(PIP) install -q --dry-run --ignore-installed --report - -e '.[test]' | $(BIN)/python tools/lock.py > constraints.new
	@mv constraints.new constraints.txt

clean:
	@rm -rf $(VENV)

# The stamps say what is installed; they are made anew when the project's dependencies change.
$(VENV)/.run: $(BIN)/python $(SOURCES)
	@echo 'Installing (a minute the first time) ...'
	@$(PIP) install -q -c constraints.txt -e . || $(FAILED)
	@touch $@

$(VENV)/.test: $(BIN)/python $(SOURCES)
	@echo 'Installing what the tests need ...'
	@$(PIP) install -q -c constraints.txt -e '.[test]' || $(FAILED)
	@touch $@ $(VENV)/.run

$(BIN)/python:
	@tools/make-venv $(VENV) $(PYTHON)
