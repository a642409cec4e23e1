# bongsu: a thin front. Meson describes the build (meson.build), scripts/build knows the presets, tests/run runs the tests.
.DEFAULT_GOAL := help
.PHONY: help build release debug clang asan tsan fuzz check test demo sim bench bench-peers soak deb static \
        format format-check layers tidy headers setup clean install

SEEDS ?= 1000
SECONDS ?= 60
DESTDIR ?=
ONCE ?=
DATA ?=
TO ?= 100000
export ONCE DATA TO

help: ## list the targets
	@echo "bongsu: make TARGET"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install every Debian package the build, the tests, the demo and the bench need
	@scripts/setup

build: ## build/dev: gcc, optimised, with debug information (the everyday build)
	@scripts/build dev
release: ## build/release: gcc, -O3, LTO
	@scripts/build release
debug: ## build/debug: gcc, -O0, for gdb
	@scripts/build debug
clang: ## build/clang: the everyday build with clang, for its warnings
	@scripts/build clang
asan: ## build/asan: clang with ASan and UBSan
	@scripts/build asan
tsan: ## build/tsan: clang with TSan
	@scripts/build tsan
fuzz: ## build the libFuzzer targets and run each for SECONDS=60
	@scripts/build fuzz
	@scripts/run-fuzz $(SECONDS)

check: ## the tests of every commit, under two minutes
	@scripts/setup --test
	@tests/run --check
test: ## every test: check, plus clang, interop, sanitizers, simulation
	@scripts/setup --test
	@tests/run

demo: ## two nodes exchange and converge, live (ONCE=1: no waiting; DATA=path: your own files)
	@scripts/setup --demo
	@scripts/build release src/cli/bongsu
	@$(call need,scripts/demo)
	@scripts/demo
sim: ## run the simulator over SEEDS=1000 seeds
	@$(call need,tests/sim/meson.build)
	@scripts/build release tests/sim/bongsu-sim
	@$(call need,build/release/tests/sim/bongsu-sim)
	@build/release/tests/sim/bongsu-sim --seeds $(SEEDS)
bench: ## measure against floors on this machine; writes build/bench/results.json
	@$(call need,tests/bench/run)
	@scripts/setup --bench
	@scripts/build release
	@tests/bench/run
bench-peers: ## the same objects in bongsu, medallion and OpenTAXII, side by side (TO=100000)
	@scripts/setup --bench && scripts/setup --test
	@scripts/build release src/cli/bongsu
	@tests/bench/peers
soak: ## the long tests (hours)
	@$(call need,tests/scenario/soak)
	@scripts/build release src/cli/bongsu tests/leak/bongsu-leak tests/boundary/boundary.so
	@build/release/tests/leak/bongsu-leak --objects 1000000
	@tests/scenario/soak
	@scripts/build dev tests/sim/bongsu-sim # optimised at link time the planted bugs would not be reached
	@build/dev/tests/sim/bongsu-sim --seeds 10000
	@build/dev/tests/sim/bongsu-sim --sweep-memory 1

format: ## lay out every C and C++ file with clang-format
	@scripts/format
format-check: ## fail on a file that clang-format would change
	@scripts/format --check
layers: ## fail on an include that scripts/layers.txt does not allow
	@scripts/check-layers
tidy: ## fail on what CONTRIBUTING.md rules out (sizes, functions, globals, paths)
	@scripts/check-tidy
headers: ## compile each header alone
	@scripts/check-headers

install: ## install program, manual, default policy and systemd unit under /usr (DESTDIR=path)
	@scripts/build release src/cli/bongsu src/verify/bongsu-verify
	@DESTDIR="$(DESTDIR)" meson install -C build/release --no-rebuild
deb: ## write build/deb/bongsu_VERSION_ARCH.deb, for Debian 12
	@scripts/setup --deb
	@scripts/build-deb
static: ## write build/static/bongsu: one file that needs no library of the machine it runs on
	@scripts/setup --deb
	@scripts/build-static
clean: ## remove build/
	rm -rf build

# A target whose program is not there says so; it never passes by doing nothing.
need = test -e $(1) || { echo "make $@: $(1) does not exist in this checkout, so there is nothing to run" >&2; exit 1; }
