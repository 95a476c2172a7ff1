# Two commands from a fresh Debian 12 with git, make and Swift: `make bench` and `make test`.
SHELL := /bin/bash
PACKAGES := libopenblas-dev libpng-dev libassimp-dev
BENCH_OUT ?= out/bench

.PHONY: bench test perf lint format docs examples setup clean

# The main job: the gradient benchmark over all methods.
bench: setup
	swift build -c release --product gradbench
	.build/release/gradbench info
	.build/release/gradbench run --quick --out $(BENCH_OUT)

# Release mode: float64 checks are 50-100 times slower in debug mode. Tests look inside of modules,
# which takes other compiler flags: a folder of their own saves building anew at each change.
test: setup
	swift test -c release -Xswiftc -enable-testing --scratch-path .build-test --quiet --disable-xctest

# Timings of the standard workloads, in multiples of a matrix product.
perf: setup
	swift build -c release --product gradbench
	.build/release/gradbench perf

lint:
	swift format lint --strict --recursive Package.swift Sources Tests Examples/Package.swift $$(find Examples -mindepth 1 -maxdepth 1 -type d -not -name '.*')

format:
	swift format --in-place --recursive Package.swift Sources Tests Examples/Package.swift $$(find Examples -mindepth 1 -maxdepth 1 -type d -not -name '.*')

docs: setup
	./Docs/build-docs

examples: setup
	swift build -c release --package-path Examples

# Installs the three C libraries if they are missing.
setup:
	@missing=""; \
	for package in $(PACKAGES); do \
	  [ "$$(dpkg-query -W -f='$${db:Status-Status}' $$package 2>/dev/null)" = installed ] || missing="$$missing $$package"; \
	done; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ]; then as_root=""; \
	elif command -v sudo >/dev/null; then as_root="sudo"; \
	else \
	  echo "Lumigrad needs$$missing, and neither root nor sudo is available." >&2; \
	  echo "Ask an administrator to run: apt-get install$$missing" >&2; exit 1; \
	fi; \
	echo "Installing$$missing"; \
	$$as_root apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends $$missing >/dev/null

clean:
	rm -rf .build .build-* Examples/.build out
