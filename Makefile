# Two commands do all set-up they need: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
# uv compiles no module: the first process that imports one does, for all that follow.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test quick matrix lab filter lint docs lock sbom audit torture bench clean

demo: .venv/ready
	$(BIN)/evidence demo

# A file stays with a worker, which makes once what its tests share; slow files come first.
test: .venv/dev
	$(BIN)/python tests/system.py
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

# What starts no process, browser, kernel or sandbox and makes no pack: two minutes of one core.
quick: .venv/dev
	$(BIN)/python -m pytest --quick --quiet

# Everything that can go wrong with every call, every member that an answer may leave out, and the
# verdicts of the large account; `make test` runs a part of the first, a fifth of the second.
matrix: .venv/dev
	MATRIX=all $(BIN)/python -m pytest --numprocesses logical --dist worksteal \
		tests/test_matrix.py tests/answers/test_absence.py tests/controls/test_sample_accounts.py

# LAB_FLAGS are JupyterLab's own, such as --no-browser.
lab: .venv/ready
	$(BIN)/evidence lab --sandbox -- $(LAB_FLAGS)

# git commits notebooks without outputs, which hold evidence; nothing to do outside of a clone.
filter:
	@! git rev-parse --git-dir >/dev/null 2>&1 || \
	{ git config filter.notebook-source.clean "$(BIN)/python -m kit.notebook_source" && \
	git config filter.notebook-source.smudge cat && \
	git config filter.notebook-source.required true; }

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/dev
	$(BIN)/python -m tests.docs

# Keeps the pins that are there; `make lock UPGRADE=1` takes the newest of everything.
COMPILE = $(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate $(if $(UPGRADE),--upgrade) --no-emit-index-url
lock: .venv/ready
	echo uv | $(COMPILE) --output-file requirements-uv.lock -
	$(COMPILE) pyproject.toml --extra sandbox --group build --group dev --output-file requirements-dev.lock
	sed -n 's/^\([^ ]*==[^\]*\).*/\1/p' requirements-dev.lock > .venv/pins
	$(COMPILE) pyproject.toml --extra sandbox --group build --constraint .venv/pins --output-file requirements.lock

# A CycloneDX bill of materials of what users install.
sbom: .venv/dev
	$(BIN)/python -m tests.supply sbom outputs/sbom.cdx.json

# Known weaknesses of the locked packages; it states where the database cannot be reached.
audit: .venv/dev
	@$(BIN)/python -m tests.supply audit

# The promises under faults, forgeries and hostile input; the table goes to docs/security.md.
# QUICK=1 tries a sample, and writes nothing.
torture: .venv/dev
	$(BIN)/python tests/system.py
	$(BIN)/python -m benchmarks.torture $(if $(QUICK),--quick,--write)

# What a pack takes; the table goes to docs/performance.md. For a quiet machine. PROWLER=1 runs
# Prowler beside it, in an environment of its own; QUICK=1 tries a small sample, and writes nothing.
bench: .venv/dev
	$(BIN)/python -m benchmarks.run $(if $(PROWLER),--prowler) $(if $(QUICK),--quick,--write)

# uv installs the same lock in a tenth of pip's time; where it cannot, pip does. Both check each
# hash. pip's own settings for an index or a certificate hold for uv too.
define install
@echo "installing $(1)"
@UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$(2>/dev/null $(BIN)/python -m pip config get global.index-url)}}"; \
	export UV_DEFAULT_INDEX; test -n "$$UV_DEFAULT_INDEX" || unset UV_DEFAULT_INDEX; \
	export SSL_CERT_FILE="$${SSL_CERT_FILE:-$$PIP_CERT}"; test -n "$$SSL_CERT_FILE" || unset SSL_CERT_FILE; \
	$(BIN)/python -m uv pip install --quiet --system-certs --python $(BIN)/python --require-hashes --requirement $(1) \
	|| $(BIN)/python -m pip install --quiet --require-hashes --requirement $(1)
endef

# What users need, the sandbox of the demo included.
.venv/ready: requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-uv.lock || true
	$(call install,requirements.lock)
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@$(MAKE) --no-print-directory filter
	@touch .venv/ready

# What developers need besides: tests, linters, the supply chain.
.venv/dev: .venv/ready requirements-dev.lock
	$(call install,requirements-dev.lock)
	@touch .venv/dev

clean:
	rm -rf .venv
