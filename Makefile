# The verbs of the book. Each sets up what it needs; `make help` lists them.
PYTHON ?= python3
PORT ?= 8000
SECONDS ?= 60
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help html pdf epub serve test check fuzz benchmark clean

help: ## list the verbs
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | column -t -s '|'

$(READY): requirements.lock browser.lock pyproject.toml code/book_build/environment.py
	@$(PYTHON) code/book_build/environment.py

html: $(READY) ## execute the chapters and build the book into _build/html/index.html
	@$(BIN)/python -m book_build html

pdf: $(READY) ## build _build/pdf/ai-compilers.pdf
	@$(BIN)/python -m book_build pdf

epub: $(READY) ## build the EPUB below _build/epub
	@$(BIN)/python -m book_build epub

serve: $(READY) ## build, serve on localhost, rebuild what changes
	@$(BIN)/python -m book_build serve --port $(PORT)

test: $(READY) ## build HTML, PDF and EPUB from one execution, then run all tests
	@$(BIN)/python code/book_build/system_packages.py browser tex pdftotext
	@$(BIN)/python -m book_build html pdf epub
	@$(BIN)/python -m pytest

check: $(READY) ## lint, formatting, types, import contracts, the chapter contract
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy code
	@$(BIN)/lint-imports
	@$(BIN)/python -m book_build lint

fuzz: $(READY) ## random schedules of random loops against two oracles, for SECONDS=60
	@PYTHONPATH=code:. $(BIN)/python -m tests.tensor_compiler.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

WHAT ?= building lowering
benchmark: $(READY) ## print the figures of BENCHMARKS.md; WHAT=tensor_compiler for those that take half an hour
	@for what in $(WHAT); do PYTHONPATH=code $(BIN)/python -m benchmarks.$$what || exit 1; done

clean: ## remove everything that a build made (the environment stays)
	@rm -rf _build
