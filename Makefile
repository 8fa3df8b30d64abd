# Kommutator: what one does with a clone. `make help` lists it.
SWIFT ?= swift
LISTEN ?= 127.0.0.1:8080
DATA ?= ./var
RELEASE = -c release --static-swift-stdlib

.DEFAULT_GOAL := help
.PHONY: help setup build run lint test tsan fuzz bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the system packages that are missing, check Swift
	@scripts/setup.sh

build: setup ## build the release binary
	$(SWIFT) build $(RELEASE) --product kommutator

run: build ## start it with demo calls: LISTEN=127.0.0.1:8080 DATA=./var
	"$$($(SWIFT) build $(RELEASE) --show-bin-path)/kommutator" serve --demo --listen $(LISTEN) --data $(DATA)

lint: setup ## check the formatting
	$(SWIFT) format lint --strict -r Sources Tests

test: lint ## check formatting and layering, run all tests
	$(SWIFT) build --build-tests --explicit-target-dependency-import-check error
	$(SWIFT) test --skip-build --no-parallel

tsan: setup ## run the end-to-end tests with ThreadSanitizer; a race ends the process that has it
	$(SWIFT) build --build-tests --sanitize=thread --scratch-path .build-tsan
	TSAN_OPTIONS="halt_on_error=1 suppressions=$(CURDIR)/scripts/thread-sanitizer.supp" $(SWIFT) test --skip-build --sanitize=thread --scratch-path .build-tsan --filter EndToEnd

bench: setup ## measure, and print a table: ARGS="--quick --yes"
	scripts/bench.sh $(ARGS)

SECONDS ?= 60
fuzz: setup ## mutated input for the parsers, with libFuzzer: SECONDS=60 each
	scripts/fuzz.sh $(SECONDS)

clean: ## remove what was built; data stays
	$(SWIFT) package clean
