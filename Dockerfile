# One image of one command of this tree: docker build --build-arg PACKAGE=./cmd/webhook .
ARG GO=golang:1.26.8
ARG BASE=gcr.io/distroless/static-debian12:nonroot

# Built where docker runs, for whatever the image is for: Go needs no emulator.
FROM --platform=$BUILDPLATFORM ${GO} AS build
ARG PACKAGE=./cmd/webhook TARGETOS TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The same sources give the same bytes, wherever and whenever.
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} \
    go build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o /command ${PACKAGE}

FROM ${BASE}
COPY --from=build /command /command
USER 65532:65532
ENTRYPOINT ["/command"]
