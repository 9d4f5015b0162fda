# The one interface for people and for .ci/run. Everything is built once: dev profile, default features.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test soak timing lint docs dist reproduce bench fuzz mutants clean

# Build output and tools live outside the checkout where a home directory can be written to.
export PRESIGN_GATE_CACHE ?= $(shell d="$${HOME:-/nonexistent}/.cache/presign-gate"; mkdir -p "$$d" 2>/dev/null && echo "$$d" || echo "$(CURDIR)/target/cache")
export CARGO_TARGET_DIR ?= $(PRESIGN_GATE_CACHE)/target
export PATH := $(PRESIGN_GATE_CACHE)/tools/bin:$(HOME)/.cargo/bin:$(PATH)

DEMO_ARGS ?=
BENCH_ARGS ?=
FUZZ_SECONDS ?= 60
MODEL_REQUESTS ?= 1000000
MUTANTS_SHARD ?= 0/8
FUZZ_TARGETS ?= $(basename $(notdir $(wildcard tests/fuzz/targets/*.rs)))

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

setup: ## install what the build needs (cmake, a C compiler), if it is missing
	@tests/setup/install build

demo: setup ## run the gate over an embedded S3 on loopback; DEMO_ARGS=--once checks every line and ends
	@cargo run --quiet --bin presign-gate -- demo $(DEMO_ARGS)

test: ## install what the tests need and run every test
	@tests/setup/install test
	cargo nextest run --no-fail-fast
	cargo test --quiet --doc
	cargo build --quiet --bin presign-gate
	cd tests/deploy && $(PRESIGN_GATE_CACHE)/venv/bin/python -B -W error::ResourceWarning -m unittest

soak: ## run the gate under load for SOAK_SECONDS (an hour); memory, descriptors and counters must hold
	@tests/setup/install build
	SOAK_SECONDS=$${SOAK_SECONDS:-3600} cargo test --quiet --test it soak:: -- --nocapture

timing: ## whether the time of a refusal tells how wrong a signature is, TIMING_SECONDS (60) for each measurement
	PRESIGN_GATE_TIMING_SECONDS=$${TIMING_SECONDS:-60} cargo test --quiet --test costs timing:: -- --nocapture --test-threads 1

lint: ## formatting, clippy, docs, example configs, licences and sources, spelling
	@tests/setup/install lint
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
	cargo build --bin presign-gate
	env $$(grep -rhoE '\benv: *[A-Z_]+' conf | sed 's/env: *//; s/$$/=unused/' | sort -u) \
	  $(CARGO_TARGET_DIR)/debug/presign-gate check conf/*.yaml
	cargo deny --log-level error check licenses bans sources
	$(PRESIGN_GATE_CACHE)/venv/bin/typos

docs: setup ## write docs/reference from the tables in the code
	@cargo run --quiet --bin presign-gate -- reference docs/reference

dist: setup ## build what is released, into dist: binary, bill of materials, licences, checksums
	@deploy/dist/build

reproduce: ## build it a second time elsewhere, and compare
	@deploy/dist/reproduce

# The load takes a quarter of an hour and wants a quiet machine with two cores or more.
bench: ## the gate beside nginx, njs, HAProxy and pingora's own proxy under load, then the small benchmarks
	@tests/setup/install bench
	cargo build --release --bin presign-gate
	CARGO_TARGET_DIR="$$CARGO_TARGET_DIR/bench" cargo build --release --manifest-path benches/load/kit/Cargo.toml
	python3 -B benches/load/bench.py --gate $(CARGO_TARGET_DIR)/release/presign-gate \
	  --kit $(CARGO_TARGET_DIR)/bench/release --results benches/results $(BENCH_ARGS)
	cargo bench --bench '*'

# cargo-fuzz needs the sanitizers of a nightly compiler; where none is installed, the pinned compiler is told to
# accept the same flags.
fuzz: ## run every fuzz target for FUZZ_SECONDS (60); FUZZ_TARGETS names some; then MODEL_REQUESTS (1000000) against the model
	@tests/setup/install fuzz
	@if cargo +nightly --version > /dev/null 2>&1; then cargo=(cargo +nightly); else export RUSTC_BOOTSTRAP=1; cargo=(cargo); fi; \
	export CARGO_TARGET_DIR="$$CARGO_TARGET_DIR/fuzz"; \
	for target in $(FUZZ_TARGETS); do \
	  mkdir -p "tests/fuzz/corpus/$$target"; \
	  "$${cargo[@]}" fuzz run --fuzz-dir tests/fuzz "$$target" "tests/fuzz/corpus/$$target" "tests/fuzz/seeds/$$target" -- \
	    -max_total_time=$(FUZZ_SECONDS) -max_len=8192; \
	done
	@tests/setup/install test
	@PRESIGN_GATE_MODEL_REQUESTS=$(MODEL_REQUESTS) cargo nextest run --test it everything_that_is_forwarded_is_explained

# One of eight parts has 430 changes, and takes the better part of an hour.
mutants: ## change what decides, one thing at a time, and see that a unit test fails; MUTANTS_SHARD=0/8 is which part
	@tests/setup/install mutants
	tests/mutants/run $(MUTANTS_SHARD)

clean: ## remove the build output, wherever it lives
	cargo clean
	rm -rf dist tests/fuzz/artifacts tests/fuzz/corpus
