# Three environments: VENV has the base install alone, WEB_VENV the extra demo, DEV_VENV every extra (PyTorch with it,
# about 7 GB). They are made when they are needed, from the versions in requirements.lock.
PYTHON ?= python3
VENV ?= .venv
WEB_VENV ?= .venv-web
DEV_VENV ?= .venv-dev
PIP_FLAGS ?= --quiet --disable-pip-version-check

comma := ,
BASE_READY := $(VENV)/.ready
WEB_READY := $(WEB_VENV)/.ready
DEV_READY := $(DEV_VENV)/.ready

.PHONY: help demo web test check format lock clean

help:
	@echo "make demo    set up docpre and run it on a picture"
	@echo "make web     set up the web page and start it; WEB_FLAGS are its options"
	@echo "make test    set up every extra and run all tests"
	@echo "make check   lint, formatting, types"
	@echo "make format  mend formatting and simple lint"
	@echo "make lock    renew requirements.lock"
	@echo "make clean   remove the environments and all that was made"

demo: $(BASE_READY)
	$(VENV)/bin/python -m docpre doc_preprocessor -i demo/photo.jpg --save_path output
	@echo
	@echo "The photograph: demo/photo.jpg"
	@echo "The clean page: output/photo_page.jpg"
	@echo "Side by side:   output/photo_doc_preprocessor_res_img.jpg"

web: $(WEB_READY)
	$(WEB_VENV)/bin/python -m demo $(WEB_FLAGS)

test: $(BASE_READY) $(DEV_READY)
	$(DEV_VENV)/bin/python -m docpre models --pull all
	DOCPRE_BASE_PYTHON="$(abspath $(VENV))/bin/python" $(DEV_VENV)/bin/python -m pytest

check: $(DEV_READY)
	$(DEV_VENV)/bin/ruff check .
	$(DEV_VENV)/bin/ruff format --check .
	$(DEV_VENV)/bin/mypy

format: $(DEV_READY)
	$(DEV_VENV)/bin/ruff check --fix .
	$(DEV_VENV)/bin/ruff format .

lock: $(DEV_READY)
	$(DEV_VENV)/bin/python -m pip install $(PIP_FLAGS) uv
	$(DEV_VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --all-extras \
		pyproject.toml --output-file requirements.lock --upgrade

# An environment: its folder, what is installed, what is said of it.
define environment
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'docpre needs Python 3.11 or newer')"
	$(PYTHON) -m venv --clear $(1)
	@echo "Installing docpre $(3) into $(1)"
	$(1)/bin/python -m pip install $(PIP_FLAGS) --constraint requirements.lock --editable "$(2)"
	touch $@
endef

$(BASE_READY): pyproject.toml requirements.lock
	$(call environment,$(VENV),.,(about 420 MB; a minute))

$(WEB_READY): pyproject.toml requirements.lock
	$(call environment,$(WEB_VENV),.[demo],with the extra demo (some minutes))

$(DEV_READY): pyproject.toml requirements.lock
	$(call environment,$(DEV_VENV),.[all$(comma)dev],with every extra (about 7 GB; some minutes))

clean:
	rm -rf $(VENV) $(WEB_VENV) $(DEV_VENV) output .pytest_cache .mypy_cache .ruff_cache .hypothesis
