# One command per purpose; CI runs the same ones. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

ifeq ($(OS),Windows_NT)
$(error Thumper runs on Linux and macOS. On Windows, open WSL2 (wsl --install) and run make there: docs/start.md)
endif

PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV := .uv/bin/uv
BIN := .venv/bin
# What is meant to be slow is slow: no colour codes and no progress bars of installers in a log.
export UV_NO_PROGRESS := 1

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: install
install: .venv/.core ## set up .venv with all that is needed to run (no torch)

.PHONY: install-torch
install-torch: .venv/.torch ## add torch and ultralytics (5.7 GB), for .pt weights and CUDA

.PHONY: demo
demo: .venv/.core ## the whole way of a picture, on rendered ones. PICTURES=folder WEIGHTS=file KEEP=1
	@$(BIN)/thumper demo $(if $(PICTURES),--pictures "$(PICTURES)") $(if $(WEIGHTS),--weights "$(WEIGHTS)") $(if $(KEEP),--keep)

.PHONY: test
test: .venv/.torch lint ## all tests but the soak, the torch backend among them (installs 5.7 GB once)
	$(BIN)/python -m pytest -n 2 --dist loadscope

.PHONY: test-quick
test-quick: .venv/.dev ## tests without torch, browser and faults
	$(BIN)/python -m pytest -m "not torch and not browser and not faults and not slow"

.PHONY: soak
soak: .venv/.dev ## faults on a stack of its own. MINUTES=10 SEED=random
	$(BIN)/python -m tests.faults.soak --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

.PHONY: lint
lint: .venv/.dev ## style, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

LOCKS ?= core torch uv
.PHONY: audit
audit: .venv/.dev ## known vulnerabilities of the locked packages, and what is in them (build/sbom-*.json). Needs a network
	@mkdir -p build; bad=; \
	for file in $(LOCKS); do \
		echo "requirements/$$file.txt"; \
		$(BIN)/pip-audit --progress-spinner off --strict --disable-pip --require-hashes --desc off \
			-f cyclonedx-json -o build/sbom-$$file.json -r requirements/$$file.txt || bad="$$bad $$file"; \
	done; \
	if test -n "$$bad"; then echo "audit: not passed:$$bad. Vulnerable, or not looked at for want of a network: see above" >&2; exit 1; fi

.PHONY: bench
bench: .venv/.torch .megadetector/.done ## ratios against the ceiling and the peers, into benchmarks/results.json
	$(BIN)/python -m benchmarks

.PHONY: schemas
schemas: .venv/.core ## write schemas/published from the code
	$(BIN)/python -m cli.publish

.PHONY: lock
lock: $(UV) ## resolve requirements/*.txt anew
	@compile() { $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --upgrade "$$@"; }; \
	compile requirements/uv.in -o requirements/uv.txt; \
	compile pyproject.toml -o requirements/core.txt; \
	compile pyproject.toml --extra dev -c requirements/core.txt -o requirements/dev.txt; \
	compile pyproject.toml --extra dev --extra torch -c requirements/dev.txt -o requirements/torch.txt; \
	compile requirements/kaskade.in -o thumper/embedded/kaskade.txt; \
	compile --no-deps requirements/megadetector.in -o requirements/megadetector.txt

.PHONY: clean
clean: ## remove what make made: environments, demo, caches (not your data in .thumper)
	rm -rf .venv .uv .megadetector demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(UV): requirements/uv.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Thumper needs Python 3.11 or newer; found " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.11")'
	"$(PYTHON)" -m venv .uv
	.uv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/.core: $(UV) requirements/core.txt pyproject.toml
	test -x $(BIN)/python || $(UV) venv -q --python "$(PYTHON)" .venv
	$(UV) pip install -q --require-hashes -r requirements/core.txt
	$(UV) pip install -q --no-deps -e .
	@touch $@

.venv/.dev: .venv/.core requirements/dev.txt
	$(UV) pip install -q --require-hashes -r requirements/dev.txt
	@touch $@

.venv/.torch: .venv/.dev requirements/torch.txt
	@echo "Installing torch and ultralytics: 5.7 GB on disk. (make test-quick does without them.)"
	$(UV) pip install -q --require-hashes -r requirements/torch.txt
	@touch $@

# A peer of the benchmarks, in an environment of its own that sees the torch of .venv.
.megadetector/.done: .venv/.torch requirements/megadetector.txt
	$(UV) venv -q --allow-existing --python "$(PYTHON)" .megadetector
	$(UV) pip install -q --python .megadetector/bin/python --no-deps --require-hashes -r requirements/megadetector.txt
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > .megadetector/lib/torch.pth
	mv .megadetector/lib/torch.pth "$$(.megadetector/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	@touch $@
