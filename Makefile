# Everything runs in .venv, which the first target that needs it creates. Only python3 (3.11 or newer), make and bash
# have to be there. On a machine without a GPU, TORCH_INDEX saves the download of the CUDA libraries:
#   make compare TORCH_INDEX=https://download.pytorch.org/whl/cpu

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
TORCH_INDEX ?=
IMAGE ?= arr_coc/examples/receipt.jpg
QUESTION ?= Read the small code at the foot.
OUT ?= out/compare.png

BIN := .venv/bin
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
PIP_PROGRESS = awk '/^ *(Collecting|Processing|Downloading)/ { sub(/ \(from .*/, ""); print "  " $$0; fflush() } \
	/^Installing collected/ { print "  Installing"; fflush() }'

# Both ends of the range in pyproject.toml, and what of the suite depends on transformers.
TRANSFORMERS := 5.19 5.24
TRANSFORMERS_TESTS = $(shell grep -lE "tiny_|transformers|load_host|row_model" tests/test_*.py)

.PHONY: help compare speedrun results install examples figures screenshots docs test test-slow test-docs test-browser \
	test-transformers test-serving lint format clean

help:
	@echo "make compare    answer a question about an example picture four ways, write $(OUT)"
	@echo "make speedrun   from nothing to a small model of receipts, 40 minutes (docs/speedrun.md)"
	@echo "make results    every table of docs/results again, hours (runs/results.sh)"
	@echo "make test       the quick test suite"
	@echo "make test-slow  the long checks"
	@echo "make test-browser  the pages in Chromium, all of it (on Debian: apt-get install chromium)"
	@echo "make test-transformers  what depends on transformers, on both ends of the supported range"
	@echo "make test-serving  vLLM with ARR-COC on this CPU, in an environment of its own (minutes to install)"
	@echo "make test-docs  the long blocks of the documents: training, evaluation, several processes"
	@echo "make docs       the site of the documents, in out/site/index.html"
	@echo "make lint       ruff and mypy, changing nothing"
	@echo "make format     ruff, mending what it can"
	@echo "make examples   draw the shipped example pictures again"
	@echo "make figures    make the figures of README and docs again"
	@echo "make screenshots  make the demo's favicon, preview and screenshots again; needs Chromium"
	@echo "make clean      remove .venv, caches and out/"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else \
		f"Python 3.11 or newer is needed, $(PYTHON) is {v[0]}.{v[1]}: make PYTHON=/path/to/python3.11")'
	@echo "Creating .venv"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing arr-coc into .venv (the first time takes minutes: PyTorch is large)"
	@$(PIP_INSTALL) -e . | $(PIP_PROGRESS)
	@touch $@

.venv/.installed-dev: .venv/.installed
	@echo "Installing the development tools into .venv"
	@$(PIP_INSTALL) -e '.[dev]' | $(PIP_PROGRESS)
	@touch $@

.venv/.installed-train: .venv/.installed
	@echo "Installing what training needs into .venv"
	@$(PIP_INSTALL) -e '.[train]' | $(PIP_PROGRESS)
	@touch $@

.venv/.installed-docs: .venv/.installed
	@echo "Installing what builds the site into .venv"
	@$(PIP_INSTALL) -e '.[docs]' | $(PIP_PROGRESS)
	@touch $@

install: .venv/.installed

compare: .venv/.installed
	@mkdir -p $(dir $(OUT))
	@$(BIN)/arr-coc compare "$(IMAGE)" "$(QUESTION)" --out "$(OUT)"

speedrun: .venv/.installed-train
	@BIN=$(BIN) runs/speedrun.sh

results: .venv/.installed-train
	@BIN=$(BIN) runs/results.sh

examples: .venv/.installed
	@rm -rf arr_coc/examples
	@$(BIN)/arr-coc data examples --out arr_coc/examples

figures: .venv/.installed
	@$(BIN)/arr-coc loop $(IMAGE) "$(QUESTION)" --out docs/images/loop.jpg
	@$(BIN)/python docs/figures/draw.py docs/images

docs: .venv/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "site: out/site; look at it with: python3 -m http.server --directory out/site"

screenshots: .venv/.installed-dev
	@$(BIN)/python tests/make_pictures.py

test: .venv/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

test-slow: .venv/.installed-dev
	$(BIN)/pytest -m slow

test-browser: .venv/.installed-dev
	$(BIN)/pytest -m "slow or not slow" $(wildcard tests/test_browser*.py)

test-docs: .venv/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -m docs tests/test_documents.py

test-transformers: $(TRANSFORMERS:%=.venv-transformers-%/.installed)
	for version in $(TRANSFORMERS); do \
		OMP_NUM_THREADS=1 .venv-transformers-$$version/bin/pytest -n 2 $(TRANSFORMERS_TESTS); done

.venv-transformers-%/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	grep -v '^transformers==' constraints.txt > $(@D)/constraints.txt
	$(@D)/bin/python -m pip install --disable-pip-version-check -q -c $(@D)/constraints.txt \
		$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -e '.[dev]' 'transformers==$*.*'
	@touch $@

test-serving: .venv-serving/.installed
	.venv-serving/bin/python -m pytest -q -c /dev/null --rootdir tests/serving --confcutdir tests/serving tests/serving

.venv-serving/.installed: pyproject.toml constraints.txt tests/serving/install.py
	$(PYTHON) -m venv $(@D)
	grep -v '^transformers==' constraints.txt > $(@D)/constraints.txt
	$(@D)/bin/python -m pip install --disable-pip-version-check -q packaging
	$(@D)/bin/python tests/serving/install.py $(@D)/constraints.txt
	$(@D)/bin/python -m pip install --disable-pip-version-check -q -c $(@D)/constraints.txt -e . 'transformers==5.19.*'
	$(@D)/bin/python -m pip install --disable-pip-version-check -q 'ray[serve]==2.60.*' 'litellm==1.110.*'
	@touch $@

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .venv-transformers-* .venv-serving .pytest_cache .ruff_cache .mypy_cache build *.egg-info out
	find arr_coc tests -name __pycache__ -prune -exec rm -rf {} +
