# make demo [YEAR=2017]: the site with a year of air   make test: what CI tests
# make lab: a region of real hosts, as root
# make check: the quick part   make lint: its checks without tests   make setup: only install
# make bench: ratios   make stop: stop the site
# make screenshots: pictures of the demo, for docs/   make soak: half an hour of load on the demo
# make drills: all outages on purpose in a lab, as root   make test-slow: the tests that make test leaves out
# Every recipe has a clean environment, whatever the user's shell exports.
SHELL = tools/machine/environ.sh
.SHELLFLAGS = sh -c
YEAR ?= 2017
export PYTHON ?=
FAB = tools/fab.sh
# By the interpreter: a script names it in its first line, which not every path survives.
PYTEST = .venv/bin/python -m pytest
LAYERS = .venv/bin/python -c "from importlinter.cli import *; lint_imports_command()" --no-logo
SCRIPTS = .ci/run $(wildcard packer/*.sh scripts/*.sh tools/*.sh tools/*/*.sh terraform/modules/*/*.sh) \
	$(wildcard modules/profile/files/airaware-[bf]*)
# In the files' order: the lab's tests share moto, which is their process's, and come before those
# that reset it.
SIDE_BY_SIDE = -n $$(nproc) --dist loadfile --no-loadscope-reorder
# The lab's region is one for all its tests; a visitor's query has a limit of time, which a neighbour
# at work could break. The other parts run side by side.
ALONE = tests/web tests/lab tests/fleet
# The longest files first: begun last, one would leave the other workers idle.
LONG = tests/spark tests/terraform tests/puppet
OTHER = $(filter-out tests/unit tests/__pycache__ $(ALONE) $(LONG),$(patsubst %/,%,$(wildcard tests/*/ tests/test_*.py)))

.PHONY: setup demo lab test test-slow check unit lint bench screenshots soak drills stop

setup: ; @tools/setup.sh
lab: ; @tools/setup.sh lab && $(FAB) deploy --env lab
# The shell waits at Ctrl-C until what it has started is tidied up.
demo: ; @trap : INT; tools/setup.sh demo && exec $(FAB) fetch-year "$(YEAR)" --or-synthetic deploy submit-year "$(YEAR)" status
test:
	@tools/setup.sh tests && $(MAKE) check COVERAGE="--cov --cov-report=term"
	@$(PYTEST) -m 'not slow' $(SIDE_BY_SIDE) $(LONG) $(OTHER)
	@$(PYTEST) -m 'not slow' $(ALONE)
test-slow: ; @tools/setup.sh tests && $(PYTEST) -m slow
# mypy takes one core for half a minute: it runs beside the tests.
check: ; @$(MAKE) --jobs=2 lint unit
# Each worker would import schemathesis, a plugin for the site's tests, before it begins.
unit: setup ; @$(PYTEST) -p no:schemathesis $(SIDE_BY_SIDE) $(COVERAGE) tests/unit
lint: setup
	@.venv/bin/ruff check && .venv/bin/ruff format --check && $(LAYERS) && .venv/bin/shellcheck --norc -x -S warning $(SCRIPTS) && .venv/bin/python -m mypy
bench: setup ; @.venv/bin/python -m bench
screenshots: ; @tools/setup.sh tests && .venv/bin/python -m tools.screenshots.site
soak: setup ; @$(FAB) loadtest --env local --shape soak --journey visitor --minutes 30 --max-failed-percent 0
drills:
	@tools/setup.sh tests && $(FAB) deploy --env lab
	@$(FAB) fetch-year $(YEAR) --parameter 44201 --or-synthetic --env lab
	@$(FAB) submit-year $(YEAR) --parameter 44201 --env lab && $(FAB) drill all --env lab
stop: ; @$(FAB) stop
