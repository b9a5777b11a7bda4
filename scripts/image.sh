#!/usr/bin/env bash
# Builds the image with Docker or buildah, whichever is there.
#
# Usage: image.sh TAG [ARGUMENT...]   further arguments go to the build
set -euo pipefail
cd "$(dirname "$0")/.."

tag=$1
shift
version=$(git describe --tags --always --dirty 2>/dev/null || echo dev)
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || true)
arguments=(--build-arg "VERSION=$version" --build-arg "COMMIT=$commit" --tag "$tag" "$@" .)

if docker info >/dev/null 2>&1; then
  exec docker build "${arguments[@]}"
elif command -v buildah >/dev/null; then
  # Of the two formats, Docker's keeps the HEALTHCHECK.
  exec buildah build --format docker "${arguments[@]}"
fi
echo "an image is built by Docker or buildah, and neither is here: on Debian, sudo apt-get install buildah" >&2
exit 1
