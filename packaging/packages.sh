#!/usr/bin/env bash
# Makes all files of a release in a folder, with Go and Debian's tools. The same commit and
# the same version of Go give the same bytes.
#
# Usage: packages.sh
#
# Settings, by environment:
#   PLATFORMS          for what is compiled (all of the list below)
#   DIST               the folder (dist); what was in it is removed
#   VERSION            what `git describe` prints
#   SOURCE_DATE_EPOCH  the date of all files, in seconds since 1970 (that of the commit)
#   TOOLS              a folder with the tools of tools/, built (bin, where they are built)
#   RELEASES           the URL of the folder that dist/ is published in, and
#   HOMEPAGE           that of the project, for the Homebrew formula
set -euo pipefail
cd "$(dirname "$0")/.."

readonly all='linux/amd64 linux/arm64 darwin/amd64 darwin/arm64'
read -ra platforms <<<"${PLATFORMS:-$all}"
dist=${DIST:-dist}
tools=${TOOLS:-bin}
export VERSION=${VERSION:-$(git describe --tags --always --dirty)}
export COMMIT=${COMMIT:-$(git rev-parse --short=12 HEAD)}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export TZ=UTC LC_ALL=C
umask 022
version=${VERSION#v}
homepage=${HOMEPAGE:-https://git.example.com/lsapi}
releases=${RELEASES:-$homepage/releases/download/$VERSION}

main() {
  local made
  made=$(realpath -m -- "$dist")
  if [[ $PWD/ == "${made%/}/"* ]]; then
    echo "DIST is a folder that is made anew, not $dist, which holds this one" >&2
    exit 2
  fi
  rm -rf "$dist"
  mkdir -p "$dist"
  build_tools
  manual
  licences
  local platform
  for platform in "${platforms[@]}"; do
    local os=${platform%/*} arch=${platform#*/}
    echo "making what is for $platform"
    GOOS=$os GOARCH=$arch packaging/compile.sh "$dist/bin/${os}_$arch/lsapi"
    archive "$os" "$arch"
    materials "$os" "$arch"
    [ "$os" != linux ] || system_packages "$arch"
  done
  image
  chart
  formula
  checksums
  table
}

# build_tools: each from its module, unless TOOLS has them.
build_tools() {
  [ -z "${TOOLS:-}" ] || return 0
  local package
  for package in nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm image=. helm=. \
    cyclonedx-gomod=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod; do
    # The materials have the checksum of the program that lists them.
    CGO_ENABLED=0 go -C "tools/${package%%=*}" build -trimpath -buildvcs=false -o "$PWD/bin/${package%%=*}" "${package#*=}"
  done
}

# manual: the man pages and the completions.
manual() {
  CGO_ENABLED=0 go run -trimpath ./packaging/manual "$VERSION" "$dist"
  gzip -9nf "$dist"/man/*.1
}

# licences: those of the modules in the binary, which must come with it.
licences() { packaging/licences.sh >"$dist/licences.txt"; }

# archive OS ARCH: the binary and what belongs to it, in one folder.
archive() {
  local name=lsapi_${version}_$1_$2 stage
  stage=$(mktemp -d)
  mkdir "$stage/$name"
  cp -R "$dist/bin/$1_$2/lsapi" "$dist/man" "$dist/completions" "$dist/licences.txt" LICENSE NOTICE "$stage/$name/"
  tar -c --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r,go-w \
    --mtime="@$SOURCE_DATE_EPOCH" -C "$stage" "$name" | gzip -9n >"$dist/$name.tar.gz"
  rm -rf "$stage"
}

# system_packages ARCH: a deb and an rpm. nfpm.yaml reads VERSION, ARCH and DIST, and nfpm
# SOURCE_DATE_EPOCH.
system_packages() {
  local format
  for format in deb rpm; do
    VERSION=$(packaging/version.sh "$VERSION" "$SOURCE_DATE_EPOCH") ARCH=$1 DIST=$dist \
      "$tools/nfpm" package --config packaging/nfpm.yaml --packager "$format" --target "$dist/" >/dev/null
  done
}

# materials OS ARCH: the modules in the binary and their licences, as CycloneDX.
materials() {
  local log
  log=$("$tools/cyclonedx-gomod" bin -json -noserial -notimestamp -std -licenses -version "$VERSION" \
    -output "$dist/lsapi_${version}_$1_$2.cdx.json" "$dist/bin/$1_$2/lsapi" 2>&1) ||
    { echo "$log" >&2 && return 1; }
}

# image: the container image for the platforms of Linux, as one archive.
image() {
  local platform binaries=()
  for platform in "${platforms[@]}"; do
    [ "${platform%/*}" != linux ] || binaries+=("$platform=$dist/bin/${platform/\//_}/lsapi")
  done
  [ ${#binaries[@]} -gt 0 ] || return 0
  "$tools/image" -version "$VERSION" -revision "$COMMIT" -created "$SOURCE_DATE_EPOCH" -licences "$dist/licences.txt" \
    "$dist/lsapi_${version}_image.tar" "${binaries[@]}"
}

# chart: that of Helm, with the version of the image.
chart() { "$tools/helm" package packaging/helm/lsapi "$VERSION" "$dist" >/dev/null; }

# formula: for Homebrew, which needs all platforms.
formula() {
  local platform archive edits=(-e '/^#/d' -e "s|@VERSION@|$version|" -e "s|@RELEASES@|$releases|" -e "s|@HOMEPAGE@|$homepage|")
  for platform in $all; do
    archive=$dist/lsapi_${version}_${platform/\//_}.tar.gz
    [ -e "$archive" ] || return 0
    edits+=(-e "s|@SHA256_${platform/\//_}@|$(sha256sum "$archive" | cut -d' ' -f1)|")
  done
  sed "${edits[@]}" packaging/homebrew/lsapi.rb >"$dist/lsapi.rb"
}

# checksums: of every file, in the form of `sha256sum --check`.
checksums() (
  cd "$dist"
  local files
  mapfile -d '' files < <(find . -type f -printf '%P\0' | sort -z)
  sha256sum "${files[@]}" >SHA256SUMS
)

# table: what was made, a folder as one line.
table() {
  local entry
  printf '\n%s, version %s:\n' "$dist" "$VERSION"
  for entry in "$dist"/* "$dist"/bin/*/lsapi; do
    [ ! -d "$entry" ] || [ "${entry##*/}" != bin ] || continue
    printf '  %-52s %10s\n' "${entry#"$dist"/}" "$(du -cb "$entry" | tail -1 | cut -f1 | numfmt --to=iec-i --suffix=B --format=%.1f)"
  done
}

main
