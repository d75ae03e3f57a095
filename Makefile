# Every target says what it does: `make help`.
SHELL := /bin/bash
GOBIN := $(shell go env GOPATH)/bin
PKGS  := ./...
UNITS  = $$(go list $(PKGS) | grep -v /e2e)
FUZZTIME ?= 20s
WEB   := cmd/gameserver/web
OPS   := server/ops/web
SDK   := client

.PHONY: help run test check lint bench fuzz client examples web e2e race3 conformance property
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: web ## build the page and start the server on http://localhost:3000
	@echo "== starting the server"
	@go run ./cmd/gameserver $(ARGS)

web: ## install what the page and the dashboard need and build them into the binary's folders
	@scripts/need go node
	@scripts/npm-ci $(WEB)
	@scripts/npm-ci $(OPS)
	@echo "== building the page and the dashboard"
	@cd $(WEB) && npm run --silent build
	@cd $(OPS) && npm run --silent build

client: ## install the official JavaScript clients that the tests speak with
	@scripts/need node
	@scripts/npm-ci e2e/js

examples: ## install the official client that the pages of the examples load
	@scripts/need node
	@scripts/npm-ci examples/internal/page
	@cd examples/internal/page && npm run --silent build

check: ## gofmt, go vet, go fix, page types: nothing to install but Go and Node
	@scripts/need go
	@echo "== gofmt, go vet, go fix"
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt wants:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	@go vet $(PKGS)
	@go fix -diff $(PKGS)
	@go mod tidy -diff

test: web client examples check ## everything CI runs: checks, page tests, Go tests plain and with the race detector, end to end
	@scripts/need gcc chromium python-socketio nginx haproxy tmux
	@scripts/npm-ci $(SDK)
	@echo "== decoder: types and unit tests"
	@cd $(SDK) && npm run --silent check && npm run --silent test
	@echo "== page: types and unit tests"
	@cd $(WEB) && npm run --silent check && npm run --silent test
	@cd $(OPS) && npm run --silent check && npm run --silent test
	@echo "== go test (allocation budgets among them)"
	@go test -shuffle=on -timeout 10m $(UNITS)
	@echo "== go test -race"
	@go test -race -shuffle=on -timeout 10m $(UNITS)
	@echo "== end to end: the official clients, Chromium, proxies"
	@go test -shuffle=on -parallel 6 -timeout 12m ./e2e

lint: ## staticcheck and golangci-lint
	@scripts/need go staticcheck golangci
	@echo "== staticcheck"
	@$(GOBIN)/staticcheck $(PKGS)
	@echo "== golangci-lint"
	@$(GOBIN)/golangci-lint run $(PKGS)

bench: ## play with 50 bots against a server of its own and print the table (BENCH='--bots 500' for more)
	@scripts/need go
	@echo "== bench"
	@go run ./bench $(BENCH)

conformance: ## start the servers that protocol suites are pointed at (ARGS='--help' for the options)
	@scripts/need go
	@go run ./cmd/conformance $(ARGS)

fuzz: ## run every fuzz target for FUZZTIME (20s) each
	@echo "== fuzzing each target for $(FUZZTIME)"
	@scripts/fuzz $(FUZZTIME)

upgrades: ## a hundred thousand upgrades under traffic, in virtual time
	@ENGINE_UPGRADES=100000 go test ./engine -run TestUpgradesLoseNothing -timeout 30m

soak: ## ten thousand sessions come and go; five thousand packet sequences beside Node; a match of a day
	@MATCH_MINUTES=1440 go test ./game/match -run LongMatch -v -timeout 30m
	@CHURN=10000 go test ./e2e -run Churn -timeout 30m
	@DIFFERENTIAL=5000 go test ./e2e -run Differential -timeout 30m

property: ## a million random ticks of players: what clients decode is what the server shows
	@PROPERTY=$${PROPERTY:-1000000} go test ./game/snap -run TestDecodedStateIsTheServersState -v -timeout 60m | grep -v '\[rapid\] OK'

race3: ## the race detector three times in a row, in random order
	@go test -race -shuffle=on -count=3 -timeout 30m $(UNITS)
