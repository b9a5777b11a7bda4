#!/usr/bin/env bash
# Makes the packages for this machine twice, in different folders and under different
# settings of a user, and compares every file. What they do is checked by other scripts.
#
# Usage: reproducible.sh FOLDER   keeps one of the two in FOLDER
set -euo pipefail
kept=$(realpath -m "$1")
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PLATFORMS=linux/$(go env GOARCH)
export PLATFORMS

DIST=$kept packaging/packages.sh
if ! git diff --quiet HEAD; then
  echo "SKIPPED: two builds were not compared: the work tree differs from its commit" >&2
  exit 0
fi

mkdir "$work/elsewhere"
git archive --format=tar HEAD | tar -x -C "$work/elsewhere"
# What the folder does not say.
VERSION=$(git describe --tags --always) COMMIT=$(git rev-parse --short=12 HEAD) SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export VERSION COMMIT SOURCE_DATE_EPOCH
caches=("GOCACHE=$(go env GOCACHE)" "GOMODCACHE=$(go env GOMODCACHE)" "GOPATH=$(go env GOPATH)")
(
  umask 077
  env "${caches[@]}" HOME="$work" USER=another TZ=Asia/Kolkata LC_ALL=C.UTF-8 GOFLAGS=-buildvcs=false DIST=again TOOLS="$PWD/bin" \
    "$work/elsewhere/packaging/packages.sh" >/dev/null
)
diff "$kept/SHA256SUMS" "$work/elsewhere/again/SHA256SUMS" ||
  { echo "the same commit gives other files in another folder" >&2; exit 1; }
(cd "$work/elsewhere/again" && sha256sum --check --quiet SHA256SUMS)
echo "two builds gave the same $(wc -l <"$kept/SHA256SUMS") files"
