# make export     exports the large encoder and the preprocessor to exports/ and tries them out;
#                 with CHECKPOINT=... [MODEL_NAME=...] that checkpoint, its preprocessor and its text model
# make test       lint and the suite, of long tables a sample
# make coverage   the same suite but for two tests, and the share of the lines that it runs; it takes longer
# make lint       ruff, mypy, import-linter, codespell and the documents, strictly
# make docs       builds the documents into build/site
# make stress     the long tests in full, with what they counted and how long each took; hours
# make benchmark  every engine against ours, in interleaved rounds; see benchmarks/
# make portability  small artifacts in many versions of TensorFlow and elsewhere; docs/reference/portability.md
# make reproduce  releases twice, from two clones in surroundings that differ, and compares every byte
# make serve      serves the release in dist/ with nginx, at http://127.0.0.1:8500
# make lock       requirements/release.txt: what the release workflow installs, by digest
# make venv       .venv with the package and what its development needs

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# What `make export` exports: random weights of the large size, or a checkpoint.
CHECKPOINT ?=
MODEL_NAME ?= albert

# Bytecode is written, whatever the environment says: Python starts hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: export test suite coverage docs stress benchmark portability reproduce serve lint lock venv clean

venv: .venv/dev

.venv/bin/python:
	$(PYTHON) -m venv .venv

# What exporting needs, and nothing else; what development needs besides.
.venv/runtime: setup.cfg pyproject.toml | .venv/bin/python
	@echo "Installing into .venv, TensorFlow included: this takes a minute or more."
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/hf: .venv/runtime
	$(BIN)/python -m pip install --quiet --editable '.[hf]'
	touch $@

.venv/dev: setup.cfg pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@ .venv/runtime

export: $(if $(filter hf://%,$(CHECKPOINT)),.venv/hf,.venv/runtime)
ifdef CHECKPOINT
	paths=$$($(BIN)/python -m export.all --checkpoint "$(CHECKPOINT)" --model_name "$(MODEL_NAME)") && \
	set -- $$paths && \
	$(BIN)/python scripts/demo.py --encoder "$$1" --preprocessor "$$2"
else
	encoder=$$($(BIN)/python -m export.encoder --config large) && \
	preprocessor=$$($(BIN)/python -m export.preprocessor) && \
	$(BIN)/python scripts/demo.py --encoder "$$encoder" --preprocessor "$$preprocessor"
endif

# Lint needs one core for half a minute.
test: venv
	$(MAKE) --no-print-directory --jobs=2 lint suite

suite: venv
	$(PYTEST) -n 2 --dist worksteal

# Without what coverage itself disturbs: its files are descriptors and traces that these tests look at.
coverage: venv
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n 2 --dist worksteal \
	    --deselect tests/test_processes.py::test_a_fork_sees_what_a_process_sees \
	    --deselect tests/export/cli/test_runner.py::test_export_dir_that_is_not_writable_is_an_error
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

stress: venv
	$(PYTEST) --stress -m stress -v -rP -n 2 --dist worksteal --durations 60

benchmark: venv
	$(BIN)/python -m benchmarks.peers

portability: venv
	$(BIN)/python -m benchmarks.portability

reproduce: venv
	$(BIN)/python scripts/reproduce.py

serve:
	mkdir -p build/nginx
	nginx -p build/nginx -c "$(CURDIR)/hosting/nginx.conf" -g "daemon off;"

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lock: venv
	$(BIN)/python -m uv pip compile --quiet --upgrade --generate-hashes --python-version 3.11 \
	    --python-platform x86_64-manylinux_2_28 --custom-compile-command "make lock" \
	    --extra release --extra hf --extra onnx --extra litert --extra openvino --extra huggingface \
	    setup.cfg --output-file requirements/release.txt

docs: venv
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf build dist exports *.egg-info
