# Everything is installed into .venv; no target needs anything but python3 (3.11+) with venv, and make.
PYTHON ?= python3
BIN := .venv/bin
SECONDS ?=

.PHONY: demo test slow lint bench arm models clean

demo: .venv/demo.stamp
	$(BIN)/edge-agent demo $(if $(SECONDS),--seconds $(SECONDS))

test: .venv/test.stamp
	$(BIN)/pytest

# Tests that take minutes: the figures of the model cards, on the real recordings.
slow: .venv/test.stamp
	$(BIN)/pytest -m slow

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/test.stamp
	$(BIN)/python benchmarks/pipeline.py

# The models under an emulated Cortex-A72; apt-get install qemu-user-static mmdebstrap.
arm: .venv/test.stamp
	tests/arm/run

# Re-makes the shipped model packages from the recordings in DATA; an hour on two cores.
models: .venv/test.stamp
	$(BIN)/quantize train-sensor --data $(DATA) edge_agent/models/sensor-lstm
	$(BIN)/quantize train-log --data $(DATA) edge_agent/models/log-albert

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/demo.stamp: .venv/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[demo]'
	touch $@

.venv/test.stamp: .venv/demo.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[demo,quantize,sign,dev]'
	touch $@

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
