# Two commands do all set-up they need: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

# JupyterLab would otherwise ask for its news and for newer versions of itself.
QUIET_LAB := --LabApp.news_url=None \
	--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate

.PHONY: demo test quick matrix lab lint docs bench clean

demo: .venv/ready
	$(BIN)/evidence demo

test: .venv/ready
	$(BIN)/python tests/system.py
	$(BIN)/python -m pytest --numprocesses logical --dist worksteal

# What starts no process, browser, kernel or sandbox and makes no pack: a minute of one core.
quick: .venv/ready
	$(BIN)/python -m pytest --quick --quiet

# Everything that can go wrong with every call; `make test` runs a twentieth of it.
matrix: .venv/ready
	MATRIX=all $(BIN)/python -m pytest --numprocesses logical --dist worksteal tests/test_matrix.py

# LAB_FLAGS are JupyterLab's own, such as --no-browser.
lab: .venv/ready
	$(BIN)/evidence sandbox -- $(BIN)/jupyter lab $(QUIET_LAB) $(LAB_FLAGS) notebooks/evidence_pack.ipynb

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/ready
	$(BIN)/python -m tests.docs

bench: .venv/ready
	$(BIN)/python benchmarks/run.py

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch .venv/ready

clean:
	rm -rf .venv
