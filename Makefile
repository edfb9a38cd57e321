# Every target is a line that you could type. `make` lists them.
.PHONY: help demo test lint fmt clippy doc report bless bench

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: ## build the analyzer and report on the recorded runs
	cargo run --release --locked -- report fixtures/runs --out reports/demo

test: lint ## everything that CI runs: lint, then all tests
	cargo test --release --locked --lib --test it

lint: fmt clippy doc ## format, lints and documentation, warnings denied

fmt:
	cargo fmt --check

clippy:
	cargo clippy --release --locked --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --document-private-items

report: runs ## report on your own runs in runs/ into reports/
	cargo run --release --locked -- report runs --out reports

runs:
	@echo "there is no runs/ here: record runs into it first, or see 'make demo'" >&2; false

bless: ## rewrite the goldens: reports/sample and the expected texts
	BLESS=1 cargo test --release --locked --test it golden::

bench: ## time and peak memory of summary beside plain decompression; DATE=... dates the page
	cargo bench --locked --bench ratios -- --date "$(DATE)"
