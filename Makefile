# Two commands set everything up on a machine with Python 3.11: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# TensorFlow's build: for the GPU where the NVIDIA driver lists one, else for the CPU.
BUILD := $(if $(wildcard /proc/driver/nvidia/gpus/*),gpu,cpu)
READY := .venv/ready-$(BUILD)

# Each file in one process, as its tests share what they made; in the order of `tests/conftest.py`.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile \
  --no-loadscope-reorder

.PHONY: demo test test-slow check format mlproject ui server notebooks
.DEFAULT_GOAL := demo

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "ctc needs Python 3.11; name it with: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$(BUILD),export,dev]'
	@touch $@

# Draws pictures, trains on them and promotes the model, as a run of MLflow.
demo: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" mlflow run . --env-manager local

test: $(READY)
	$(PYTEST) -m "not slow"

# What `.ci/run` runs besides: tests that take minutes.
test-slow: .venv/ready-cluster
	$(PYTEST) -m slow

# Ray, which one machine never needs.
.venv/ready-cluster: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$(BUILD),cluster]'
	@touch $@

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Writes MLproject anew from ctc/params/.
mlproject: $(READY)
	$(BIN)/python -m ctc.mlproject

ui: $(READY)
	$(BIN)/mlflow ui --backend-store-uri sqlite:///mlflow.db

# A tracking server for this machine. PORT=5000 chooses its port, AUTH=yes asks for passwords,
# DATABASE=postgresql://USER:PASSWORD@HOST/NAME keeps the runs there. That is handed on in a
# variable, for everybody on the machine can read command lines.
server: export MLFLOW_BACKEND_STORE_URI := $(or $(value DATABASE),$(value MLFLOW_BACKEND_STORE_URI))
server: $(READY)
	@$(BIN)/python -m entrypoints.server --port $(or $(PORT),0) --auth $(or $(AUTH),no)

# Opens the notebooks in a browser; what they need beyond the rest comes at the first time.
notebooks: .venv/ready-notebooks
	$(BIN)/jupyter lab --notebook-dir=. --LabApp.default_url=/lab/tree/notebooks

.venv/ready-notebooks: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$(BUILD),notebooks]'
	@touch $@
