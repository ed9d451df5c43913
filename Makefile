# The front door: `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := bin
# Where images are named to be, as the chart's values have it.
REGISTRY ?= registry.portcullis.dev
VERSION ?= $(shell sed -n 's/^appVersion: //p' charts/portcullis/Chart.yaml)
# What docker does with an image; README.md says how to push it with its SBOM.
IMAGE_FLAGS ?= --load
# The race detector needs a C compiler; without one the tests say so and run without it.
RACE := $(shell command -v $$(go env CC) >/dev/null && [ "$$(go env CGO_ENABLED)" = 1 ] && echo -race)

.PHONY: help
help: ## Show this help
	@sed -nE 's/^([a-z0-9]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 10

.PHONY: demo
demo: build ## Show everything on a control plane of its own; KEEP=1 keeps it running
	@go run ./test/env/build >/dev/null
	@PATH="$(CURDIR)/$(BIN):$$PATH" go run ./test/demo $(if $(KEEP),-keep)

.PHONY: test
test: ## Run every test; builds the test control plane and Prometheus the first time
	@go run ./test/env/build >/dev/null
	@go run ./test/env/build monitoring >/dev/null
	@[ -n "$(RACE)" ] || echo "no C compiler: testing without the race detector" >&2
	@# Beforehand, for Go's cache: the first time takes minutes of all processors, which no suite should wait beside.
	@cd tools/helm && go build -o ../../$(BIN)/ helm.sh/helm/v4/cmd/helm
	@# Never from Go's cache: the suites build the binaries themselves, which the cache does not see.
	go test $(RACE) -count=1 -timeout 30m ./...
	@# All random pairs: under the race detector they are too slow, and judged in part.
	[ -z "$(RACE)" ] || go test -count=1 -timeout 30m ./pkg/change

.PHONY: bench
bench: ## Measure everything that has a budget; GATEWAYS=1000 and CLUSTERS=200 say how much of it
	@go run ./test/env/build >/dev/null
	go run ./test/bench $(if $(GATEWAYS),-gateways $(GATEWAYS)) $(if $(CLUSTERS),-clusters $(CLUSTERS)) $(BENCH_FLAGS)

.PHONY: lint
lint: ## Run the linters
	@cd tools/golangci-lint && go build -o ../../$(BIN)/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	$(BIN)/golangci-lint run ./...

.PHONY: generate
generate: ## Write the generated files: deepcopy functions, CRDs, the input's schema, the pages of rules and metrics, the dashboard and the table of values
	@cd tools/controller-gen && go build -o ../../$(BIN)/ sigs.k8s.io/controller-tools/cmd/controller-gen
	$(BIN)/controller-gen object crd paths=./pkg/api/... output:crd:dir=charts/portcullis/files/crds
	@# Written beside first: what fails must not leave an empty file.
	go run ./tools/inputschema charts/portcullis/files/crds >policies/schemas/input.json.new && mv policies/schemas/input.json.new policies/schemas/input.json
	go run ./cmd/kubectl-portcullis policy docs policies >docs/rules.md.new && mv docs/rules.md.new docs/rules.md
	go run ./tools/metricsdocs >docs/metrics.md.new && mv docs/metrics.md.new docs/metrics.md
	go run ./tools/dashboard >charts/portcullis/files/dashboards/portcullis.json.new && mv charts/portcullis/files/dashboards/portcullis.json.new charts/portcullis/files/dashboards/portcullis.json
	go run ./tools/valuesdoc charts/portcullis/values.yaml charts/portcullis/README.md

.PHONY: verify
verify: ## Fail, by name, on a generated file that is stale
	@tools/verify

.PHONY: build
build: ## Build the binaries into bin/
	go build -o $(BIN)/ ./cmd/...

.PHONY: image
image: ## Build the images with docker; VERSION, REGISTRY and IMAGE_FLAGS say which
	for command in webhook controller; do \
	  SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) docker buildx build --build-arg PACKAGE=./cmd/$$command --tag $(REGISTRY)/$$command:$(VERSION) $(IMAGE_FLAGS) .; \
	done

.PHONY: e2e
e2e: ## Install and try everything on the cluster of KUBECONFIG; README.md says what E2E_LOAD is
	@: "$${KUBECONFIG:?must name the kubeconfig of a cluster that this may install to}"
	@: "$${E2E_LOAD:?must be a command that makes image IMAGE, of the package PACKAGE or the binary BINARY, available to the cluster}"
	@command -v kubectl >/dev/null || { echo "kubectl must be in PATH" >&2; exit 1; }
	@cd tools/helm && go build -o ../../$(BIN)/ helm.sh/helm/v4/cmd/helm
	for package in ./cmd/webhook ./cmd/controller ./test/e2e/proxy; do \
	  name=$$(basename $$package); \
	  CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o $(BIN)/static/$$name $$package; \
	  PACKAGE=$$package BINARY=$(BIN)/static/$$name IMAGE=$(REGISTRY)/$$name:e2e $(SHELL) -c "$$E2E_LOAD"; \
	done
	PATH="$(CURDIR)/$(BIN):$$PATH" E2E_REGISTRY=$(REGISTRY) go test -tags e2e -count=1 -timeout 60m -v ./test/e2e

.PHONY: clean
clean: ## Remove what was built here
	rm -rf $(BIN)
