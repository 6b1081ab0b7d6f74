# Needs Python 3.11 or later, make and git. The first target that needs .venv makes it.
PYTHON ?= python3
VENV   := .venv
GROK   := $(VENV)/bin/grok
READY  := $(VENV)/.ready
PYTEST := $(VENV)/bin/python -m pytest -n auto --maxprocesses 8 --dist worksteal

# Where `make reproduce` trains.
RUNS   ?= runs
# The sweeps behind the committed figures; objectives-cifar10 only if data/cifar10/ exists.
SWEEPS := seeds controls operations permutations moduli phase supervised label-smoothing connectivity pruning \
          objectives semi-supervised interventions norm-matched $(if $(wildcard data/cifar10),objectives-cifar10)

# The tests whose numbers depend on the order in which a processor sums.
NUMERICAL := tests/test_correctness.py tests/information tests/models tests/training

.PHONY: help setup train sweep figures reproduce dashboard bench gpu test torture numerics lint clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "    make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## .venv with everything that training, figures and tests need

train: $(READY)  ## the paper's grokking run, e.g. make train ARGS='--seed 3 --steps 2000'
	@$(GROK) train grokking $(ARGS)

sweep: $(READY)  ## many runs from one file, e.g. make sweep ARGS='sweep.toml --dry-run'
	@$(GROK) sweep $(ARGS)

figures: $(READY)  ## every figure, from the records in runs/
	@$(GROK) figures $(ARGS)

reproduce: $(READY)  ## trains every sweep behind the committed figures into RUNS, in half a day, and draws it
	@status=0; for sweep in $(SWEEPS); do \
		echo "grok: sweep $$sweep"; \
		$(GROK) sweep $$sweep --runs $(RUNS) $(ARGS) || { status=$$?; [ $$status -eq 1 ] || exit $$status; }; \
	done; $(GROK) figures --runs $(RUNS) && exit $$status

dashboard: $(READY)  ## the runs' wandb mirrors, in the terminal
	@$(GROK) dashboard $(ARGS)

bench: $(READY)  ## time, memory and accuracy on this machine, e.g. make bench ARGS=spectra
	@$(GROK) bench $(ARGS)

gpu: $(READY)  ## tests, costs and whole runs on a GPU, in ten minutes; ARGS='--device cpu' rehearses them
	@$(VENV)/bin/python -m grok.gpu $(ARGS)

test: $(READY)  ## the test suite, doctests included, on all cores; ARGS='-n 0 --pdb' to debug a test
	@$(PYTEST) $(ARGS)

torture: $(READY)  ## the tests that kill processes or take long by their nature
	@$(PYTEST) -m torture $(ARGS)

numerics: $(READY)  ## the numerical tests under two instruction sets, with 1 and 2 threads
	@status=0; for set in default avx2; do for threads in 1 2; do \
		export ATEN_CPU_CAPABILITY=$$set OMP_NUM_THREADS=$$threads OMP_WAIT_POLICY=passive; \
		output=$$($(PYTEST) -q $(NUMERICAL) $(ARGS) 2>&1) || { status=1; echo "$$output"; }; \
		echo "grok: $$set, OMP_NUM_THREADS=$$threads: $$(echo "$$output" | tail -n 1)"; \
	done; done; exit $$status

lint: $(READY)  ## ruff and mypy
	@$(VENV)/bin/ruff check grok tests
	@$(VENV)/bin/ruff format --check grok tests
	@$(VENV)/bin/mypy

clean:  ## everything that can be made again; never runs/
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find grok tests -name __pycache__ -type d -exec rm -rf {} +

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "grok: expected Python 3.11 or later; name one with make PYTHON=..." >&2; exit 2; }
	@echo "grok: setting up $(VENV), which takes a minute or two"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --editable '.[dev]'
	@touch $@
