# make export     exports the large encoder and the preprocessor to exports/ and tries them out
# make test       lint and the whole suite
# make stress     the long tests in full, with what they counted
# make benchmark  every engine against ours, in interleaved rounds; see benchmarks/
# make portability  small artifacts in many versions of TensorFlow and elsewhere; the README's table
# make reproduce  releases twice, from two clones in surroundings that differ, and compares every byte
# make serve      serves the release in dist/ with nginx, at http://127.0.0.1:8500
# make venv       .venv with the package and what its development needs

PYTHON ?= python3
BIN := .venv/bin

.PHONY: export test stress benchmark portability reproduce serve lint venv clean

venv: .venv/installed

.venv/installed: setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

export: venv
	encoder=$$($(BIN)/python -m export.encoder --config large) && \
	preprocessor=$$($(BIN)/python -m export.preprocessor) && \
	$(BIN)/python scripts/demo.py --encoder "$$encoder" --preprocessor "$$preprocessor"

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

stress: venv
	$(BIN)/python -m pytest --stress -rP $$(grep -l stress tests/test_*.py)

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

clean:
	rm -rf build dist exports *.egg-info
