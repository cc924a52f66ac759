# Chorsu. `make` alone lists what can be made.

SHELL := /bin/bash
GO    ?= go
P     ?= payme
# SQLite and its C library are C that was translated to Go. They work on memory of their own, at which the
# race detector does not look, but watching their every step took most of the tests' processor time.
# Their driver, and all else, is watched.
RACE := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false
# Two test binaries at a time: the tests start databases and kill processes, and the time
# limits inside them are meant for two cores.
TESTFLAGS ?= $(RACE) -p 2 -timeout 20m

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unreleased)

.DEFAULT_GOAL := help
.PHONY: help build demo test test/quick test/race test/provider bench lint lint/mod generate fuzz needs clean

help: ## this list
	@grep -hE '^[a-z][a-z0-9/_-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

build: ## bin/chorsu, without debug symbols
	$(GO) build -ldflags "-s -w -X main.version=$(VERSION)" -o bin/chorsu ./cmd/chorsu

demo: build ## the main job, proved in a minute with no internet
	@bin/chorsu demo

test: needs lint ## everything: lint, house rules, all tests with the race detector on SQLite and PostgreSQL
	@$(GO) run ./tools/pgtest $(GO) run ./tools/counted $(TESTFLAGS) ./...

test/quick: ## the same tests without the race detector and without what starts processes
	@$(GO) run ./tools/pgtest $(GO) run ./tools/counted -p 2 $$($(GO) list ./... | grep -v /e2e)

test/race: ## one package with the race detector: make test/race P=gateway
	$(GO) run ./tools/pgtest $(GO) test $(RACE) -count=1 ./internal/$(P)/...

test/provider: ## one provider, conformance suite and scenarios: make test/provider P=payme
	$(GO) run ./tools/pgtest $(GO) test -count=1 ./internal/provider/$(P)/...

bench: build ## how fast it is here: QUICK=1 in a few minutes instead of forty, ENGINE=sqlite or postgres alone, HISTORY=10000,1000000, OUT=FILE keeps the table
	@$(GO) run ./tools/pgtest -durable $(SHELL) -c 'exec bin/chorsu bench $(if $(filter-out 0,$(QUICK)),--quick) $(if $(OUT),--out "$(OUT)") $(if $(HISTORY),--history "$(HISTORY)") \
	  $(if $(filter sqlite,$(ENGINE)),,--postgres "$$CHORSU_TEST_POSTGRES") $(if $(filter postgres,$(ENGINE)),--no-sqlite)'

# Nobody runs what is built for Windows here: it is not optimised, which takes a third less.
lint: ## gofmt, go vet, staticcheck, and whether it builds for Windows, where tills stand
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	  if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	@$(GO) vet ./...
	@GOOS=windows $(GO) build -gcflags=all='-N -l' -o /dev/null ./cmd/chorsu
	@mkdir -p bin && $(GO) -C tools/lint build -o $(CURDIR)/bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	@bin/staticcheck ./...

lint/mod: ## go.mod and go.sum name what is used, and nothing else
	@$(GO) mod tidy -diff

generate: ## remake what is made from code
	$(GO) generate ./...

FUZZTIME ?= 20s
fuzz: ## every fuzz test for FUZZTIME (20s)
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg; done; done

needs: ## install what the tests need on a Debian machine (as root), or say what is missing
	@tools/needs

clean: ## remove what make made
	rm -rf bin
