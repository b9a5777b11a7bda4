# `make` alone lists the targets: those with a comment behind two hashes.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN := bin
# How long `make test` takes, as measured; it says so.
TEST_TAKES := about 14 min on two idle processors when nothing is built yet, and 11 min later

# How long `make fuzz` spends on each target.
FUZZTIME ?= 30s

# Tools are built from modules of their own, so that what they import is not
# lsapi's dependency; those with tests are tested too.
GOLANGCI_LINT := $(BIN)/golangci-lint
TESTED_TOOLS := $(sort $(dir $(wildcard tools/*/*_test.go)))
SCRIPTS := $(sort .ci/run $(wildcard scripts/*.sh external_scripts/*.sh terraform/aws/boot/*.sh api/*.sh api/*/*.sh bench/*.sh packaging/*.sh packaging/*/*.sh packaging/deb/p* packaging/rpm/p*))

.PHONY: help
help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

.PHONY: build
build: ## build the static binary bin/lsapi
	packaging/compile.sh $(BIN)/lsapi

.PHONY: demo
demo: ## run the service on an emulated AWS, and print lines to try
	@go run ./cmd/lsapi demo

# SQLite, which is C translated to Go, and password hashing are compiled without the race
# detector, under which they take five times the processor time. Only packages may be here that
# use no generic code of others: the linker would take their copy of it for all packages.
UNCHECKED := $(addprefix -gcflags=,$(addsuffix =-race=false,modernc.org/sqlite/lib modernc.org/libc golang.org/x/crypto/blowfish))

# Everything is compiled in one mode, with the race detector, the binary of e2e/
# and what vet and the linter look at included: the AWS SDK takes minutes in each.
# Tools are compiled as the released binary is.
.PHONY: test
test: ## run every test, after installing what they need
	@scripts/test-deps.sh
	@GOFLAGS="$$(go env GOFLAGS)" go run -race ./scripts/progress -usual '$(TEST_TAKES)' -last $(BIN)/test-took \
		-compiled '$(UNCHECKED)' $(TESTED_TOOLS)

.PHONY: lint
lint: $(GOLANGCI_LINT) ## check Go code and shell scripts
	@scripts/test-deps.sh
	GOFLAGS="$$(go env GOFLAGS) -race $(UNCHECKED)" $(GOLANGCI_LINT) run ./...
	shellcheck $(SCRIPTS)

$(GOLANGCI_LINT): tools/golangci-lint/go.mod tools/golangci-lint/go.sum
	CGO_ENABLED=0 go -C tools/golangci-lint build -trimpath -o '$(CURDIR)/$@' github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: generate
generate: ## generate the Go code of the record's queries
	go -C tools/sqlc build -o '$(CURDIR)/$(BIN)/sqlc' github.com/sqlc-dev/sqlc/cmd/sqlc
	$(BIN)/sqlc generate --file internal/record/sqlc.yaml

.PHONY: vulns
vulns: ## look for known vulnerabilities (asks vuln.go.dev, so not part of CI)
	go -C tools/govulncheck build -o '$(CURDIR)/$(BIN)/govulncheck' golang.org/x/vuln/cmd/govulncheck
	$(BIN)/govulncheck ./...

.PHONY: fuzz
fuzz: ## run each fuzz test for FUZZTIME (30s)
	@grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r folder; do \
		for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$$folder"/*_test.go | cut -d' ' -f2); do \
			echo "$$folder $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime '$(FUZZTIME)' "$$folder"; \
		done; \
	done

.PHONY: bench
bench: build ## measure, and print the numbers; BENCH='-quick' or '-rows reads' for less
	@scripts/bench-deps.sh
	go run ./bench $(BENCH)

.PHONY: stress
stress: build ## send traffic through load balancers, in six scenarios, and print one table
	@scripts/bench-deps.sh
	go run ./bench -rows stress $(BENCH)

.PHONY: picture
picture: build ## draw the README's terminal, from a running demo
	go -C tools/freeze build -o '$(CURDIR)/$(BIN)/freeze' github.com/charmbracelet/freeze
	scripts/picture.sh $(BIN)/lsapi $(BIN)/freeze

.PHONY: image
image: ## build the container image lsapi, with Docker or buildah
	scripts/image.sh lsapi

.PHONY: packages
packages: ## make the files of a release in dist/; PLATFORMS='linux/amd64' for less
	packaging/packages.sh

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BIN) dist
