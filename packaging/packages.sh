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
set -euo pipefail
cd "$(dirname "$0")/.."

read -ra platforms <<<"${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64}"
dist=${DIST:-dist}
export VERSION=${VERSION:-$(git describe --tags --always --dirty)}
export COMMIT=${COMMIT:-$(git rev-parse --short=12 HEAD)}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export TZ=UTC LC_ALL=C
umask 022
version=${VERSION#v}

main() {
  case $dist in '' | / | .) echo "DIST is a folder that is made anew, not $dist" >&2 && exit 2 ;; esac
  rm -rf "$dist"
  mkdir -p "$dist"
  manual
  licences
  local platform
  for platform in "${platforms[@]}"; do
    local os=${platform%/*} arch=${platform#*/}
    echo "making what is for $platform"
    GOOS=$os GOARCH=$arch packaging/compile.sh "$dist/bin/${os}_$arch/lsapi"
    archive "$os" "$arch"
    if [ "$os" = linux ]; then system_packages "$arch"; fi
  done
  checksums
  table
}

# manual: the man pages and the completions.
manual() {
  CGO_ENABLED=0 go run -trimpath ./packaging/manual "$VERSION" "$dist"
  gzip -9n "$dist"/man/*.1
}

# licences: those of the modules in the binary, which must come with it.
licences() { packaging/licences.sh >"$dist/licences.txt"; }

# archive OS ARCH: the binary and what belongs to it, in one folder.
archive() {
  local name=lsapi_${version}_$1_$2 stage
  stage=$(mktemp -d)
  mkdir "$stage/$name"
  cp -R "$dist/bin/$1_$2/lsapi" "$dist/man" "$dist/completions" "$stage/$name/"
  local file
  for file in LICENSE NOTICE "$dist/licences.txt"; do
    cp "$file" "$stage/$name/"
  done
  tar -c --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r,go-w \
    --mtime="@$SOURCE_DATE_EPOCH" -C "$stage" "$name" | gzip -9n >"$dist/$name.tar.gz"
  rm -rf "$stage"
}

# system_packages ARCH: a deb and an rpm. nfpm.yaml reads VERSION, ARCH, MTIME and DIST; the
# binary is DIST/bin/linux_ARCH/lsapi.
system_packages() {
  [ -e packaging/nfpm.yaml ] || return 0
  local format
  tool nfpm github.com/goreleaser/nfpm/v2/cmd/nfpm
  for format in deb rpm; do
    VERSION=$(packaging/version.sh "$VERSION" "$SOURCE_DATE_EPOCH") ARCH=$1 DIST=$dist \
      MTIME=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ) \
      bin/nfpm package --config packaging/nfpm.yaml --packager "$format" --target "$dist/"
  done
}

# tool NAME PACKAGE: builds bin/NAME from the module tools/NAME.
tool() {
  go -C "tools/$1" build -o "$PWD/bin/$1" "$2"
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
