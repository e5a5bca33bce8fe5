# Everything starts here, and each target sets up what it needs (Python 3.11 or later, git, make).

.DEFAULT_GOAL := help
.PHONY: help demo test fix bench fuzz lock clean
.SUFFIXES:

BIN := .venv/bin
READY := .venv/.ready
COMPILE := $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock"

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(READY) ## watch real deliveries land, fail, be published, promoted and rolled back (20 s)
	@$(BIN)/python -m compileall -q src && $(BIN)/headgate demo

test: $(READY) ## what must pass before a commit: format, lint, types, floors, tests
	@bash .ci/test

fix: $(READY) ## repair format and lint
	@$(BIN)/ruff format -q . ; $(BIN)/ruff check -q --fix .

bench: $(READY) ## one benchmark beside its peers: make bench NAME=check
	@$(BIN)/python benchmarks/run.py $(NAME)

fuzz: $(READY) ## look for what crashes, hangs or is judged wrongly (30 minutes; MINUTES=5)
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements/fuzz.txt
	@PYTHONPATH=src:tests TZ=UTC $(BIN)/python -m fuzz $(or $(MINUTES),30)

lock: $(READY) ## resolve the dependencies anew, as hashed pins without addresses (UP=--upgrade for the newest)
	@$(COMPILE) $(UP) --group uv -o requirements/uv.txt
	@$(COMPILE) $(UP) pyproject.toml -o requirements/base.txt
	@$(COMPILE) $(UP) pyproject.toml --all-extras --group dev --group uv -c requirements/base.txt -c requirements/uv.txt -o requirements/dev.txt
	@$(COMPILE) $(UP) --group fuzz -o requirements/fuzz.txt

clean: ## remove what was installed, built and cached
	@rm -rf .venv .bench .fuzz build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml .ci/setup
	@bash .ci/setup $(BIN)/python requirements/dev.txt && touch $@
