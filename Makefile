# The front door: `make help` lists the targets. The work is done by CMake (presets) and the scripts in tools/.

JOBS ?= $(shell nproc)
ARGS ?=
FUZZ_SECONDS ?= 60
SIM_SEEDS ?= 100000
BUILD = cmake --build --preset

.DEFAULT_GOAL := build
.PHONY: help build run test check asan tsan fuzz sim compat bench format format-check tidy clean \
        install-build install-test install-compat install-check install-format

help: ## print this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  NO_INSTALL=1 installs nothing and only reports what is missing; JOBS=n limits the compilers at work."

build: install-build ## build the program, build/posthorn, and its tests (the default)
	@tools/build.sh release $(JOBS)

run: install-build ## install what is missing, build, and start Posthorn (ARGS="--data-directory /tmp/data" adds options)
	@tools/build.sh release $(JOBS) posthorn
	@exec build/posthorn serve $(ARGS)

test: install-test ## install what tests need, build, run every test and the quick compatibility runs with real clients
	@tools/build.sh release $(JOBS)
	@tools/test.sh

check: install-check ## format, lint, unit tests, a short fuzz and a short simulation: before every push, under five minutes after the build
	@tools/build.sh release $(JOBS)
	@tools/check.sh

asan: install-check ## build with clang's address and undefined-behaviour sanitizers and run the tests
	@tools/build.sh asan $(JOBS)
	ctest --test-dir build-asan --output-on-failure -j $(JOBS)

tsan: install-check ## build with clang's thread sanitizer and run the tests
	@tools/build.sh tsan $(JOBS)
	ctest --test-dir build-tsan --output-on-failure -j $(JOBS)

fuzz: install-check ## fuzz every decoder for FUZZ_SECONDS each (60)
	@tools/fuzz.sh $(FUZZ_SECONDS)

sim: install-build ## run SIM_SEEDS random histories (100000) of the engine on the simulated disk, with power cuts and failures
	@tools/build.sh release $(JOBS)
	@tools/sim.sh $(SIM_SEEDS)

compat: install-compat ## run the full compatibility suite: the clients and tools of RocketMQ and RabbitMQ against this server
	@tools/build.sh release $(JOBS) posthorn
	tests/compat/run.py --start-posthorn build/posthorn --full $(ARGS)

bench: install-test ## measure this machine: the engine alone, then side by side with Apache RocketMQ
	@tools/build.sh release $(JOBS)
	@tools/bench.sh $(ARGS)

format: install-format ## format every C++ file in place
	@tools/format.sh --fix

format-check: install-format ## say which C++ files are not formatted
	@tools/format.sh

tidy: install-check ## run clang-tidy over every source that changed since it was last content (check: only those that differ from main)
	@tools/build.sh release $(JOBS)
	@tools/tidy.py --all

clean: ## remove everything that was built; the compiler cache and ./posthorn-data stay
	rm -rf build build-*

install-build:
	@tools/install.sh build

install-test:
	@tools/install.sh build test

install-compat:
	@tools/install.sh build test compat

install-check:
	@tools/install.sh build check format

install-format:
	@tools/install.sh format
