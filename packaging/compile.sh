#!/usr/bin/env bash
# Compiles the static binary, for every use in the same way: the same commit and the same
# version of Go give the same bytes, in any folder.
#
# Usage: compile.sh OUTPUT
#
# VERSION and COMMIT are what `lsapi version` prints; git's by default. GOOS and GOARCH
# select another platform.
set -euo pipefail
case $1 in
  /*) output=$1 ;;
  *) output=$PWD/$1 ;;
esac
cd "$(dirname "$0")/.."

version=${VERSION-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}
commit=${COMMIT-$(git rev-parse --short=12 HEAD 2>/dev/null || true)}

# A user's settings of these change the bytes.
unset GOFLAGS GOEXPERIMENT
export CGO_ENABLED=0 GOAMD64=v1 GOARM64=v8.0 GOWORK=off
exec go build -trimpath -buildvcs=false \
  -ldflags "-s -w -buildid= -X lsapi/internal/cli.version=$version -X lsapi/internal/cli.commit=$commit" \
  -o "$output" ./cmd/lsapi
