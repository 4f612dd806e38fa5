# make bench            measure (about ten minutes), print the table and where the result file is
# make bench-quick      the same in about a minute
# make compare A=… B=…  compare result files, any number of each
# make test             lint, types and all tests; make test-arm: under emulated Arm CPUs
# make wheel            wheels for x86-64 and aarch64 in wheels/
#
# PROFILE= CPUS= BUDGET= SELECT= are handed on; EXTRAS=tokenizers installs more libraries to
# measure; CC=gcc builds with another compiler than the pinned one.

.DEFAULT_GOAL := bench
PROFILE = standard
BIN := .venv/bin
COMPILER := $(if $(filter default undefined,$(origin CC)),zig,$(notdir $(firstword $(CC))))
BENCH := .venv/.bench-$(COMPILER)$(EXTRAS:%=-%)
TEST := .venv/.test-$(COMPILER)$(EXTRAS:%=-%)
SOURCES := pyproject.toml CMakeLists.txt $(shell find bench kernels -type f -not -name '*.pyc')

.PHONY: bench bench-quick compare test test-arm lint wheel clean

bench: $(BENCH)
	@$(BIN)/armbench run --profile $(PROFILE) $(CPUS:%=--cpus %) $(BUDGET:%=--budget %) $(SELECT)

bench-quick: PROFILE = quick
bench-quick: bench

compare: $(BENCH)
	@$(BIN)/armbench compare $(A) $(if $(B),--vs $(B))

test: lint # the emulated CPUs beside everything else, which needs but one
	@mkdir -p build && $(BIN)/python -m pytest tests/arm >build/test-arm.log 2>&1 & arm=$$!; \
	$(BIN)/python -m pytest --ignore=tests/arm; here=$$?; \
	wait $$arm || here=1; cat build/test-arm.log; exit $$here

test-arm: $(TEST)
	ARMBENCH_ARM_LAB=required $(BIN)/python -m pytest tests/arm

lint: $(TEST)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	mkdir -p build/types && ln -sfn ../.. build/types/armbench
	MYPYPATH=build/types $(BIN)/mypy -p armbench.bench -p armbench.kernels

wheel: $(TEST)
	_PYTHON_HOST_PLATFORM=manylinux_2_28-x86_64 $(BIN)/pip wheel -q --no-deps --no-build-isolation -w wheels .
	_PYTHON_HOST_PLATFORM=manylinux_2_28-aarch64 $(BIN)/pip wheel -q --no-deps --no-build-isolation -w wheels .

clean:
	rm -rf .venv build wheels

# --- set-up, once and after a change ---------------------------------------------------------

$(BENCH): WANTED = -e ".$(EXTRAS:%=[%])"
$(TEST): WANTED = --group dev -e ".[test,tokenizers$(EXTRAS:%=,%)]"
$(BENCH) $(TEST): .venv/bin/python $(SOURCES)
	@echo "Building armbench with $(COMPILER) …" >&2
	@$(BIN)/pip install -q --group build
	@$(BIN)/pip install -q --no-build-isolation -C build-dir=build/$(COMPILER) $(WANTED)
	@$(BIN)/python -m compileall -q bench kernels # pip leaves out what is installed in place; 0.1 s a start
	@touch $@

.venv/bin/python:
	@df -Pk . | awk 'NR == 2 && $$4 < 1500000 { print "armbench needs 1.5 GB of free space here, mostly for its compiler; there are " int($$4 / 1000) " MB"; exit 1 }' >&2
	@for version in 3.14 3.13 3.12 3.11 3.10 3; do \
	  if python$$version -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then \
	    echo "Setting up .venv with python$$version (once, about a minute) …" >&2; \
	    exec sh -c "python$$version -m venv .venv && $(BIN)/pip install -q --upgrade pip"; fi; done; \
	if command -v dnf >/dev/null; then echo "No usable python >= 3.10: sudo dnf install python3.12" >&2; \
	else echo "No usable python >= 3.10 with venv: sudo apt install python3-venv" >&2; fi; exit 1
