#!/usr/bin/env bash
# Prints the licences of all modules in the binary, which must come with it, and that of Go.
#
# Usage: licences.sh
set -euo pipefail
cd "$(dirname "$0")/.."

# print NAME FOLDER: the files of a module that have its licence.
print() {
  local file found=
  for file in "$2"/*; do
    case ${file##*/} in LICENSE* | LICENCE* | COPYING* | UNLICENSE* | NOTICE*)
      found=1
      printf '\n==== %s: %s\n\n' "$1" "${file##*/}"
      cat "$file"
      ;;
    esac
  done
  [ -n "$found" ] || missing+=("$1")
}

missing=()
echo "The binary of lsapi includes the modules below, under these licences."
print Go "$(go env GOROOT)"
while IFS=$'\t' read -r module folder; do
  print "$module" "$folder"
done < <(
  for platform in linux darwin; do
    GOOS=$platform CGO_ENABLED=0 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{"\t"}}{{.Dir}}{{end}}{{end}}' ./cmd/lsapi
  done | LC_ALL=C sort -u
)
[ "${missing[*]}" = "" ] || { echo "no licence is found in ${missing[*]}" >&2 && exit 1; }
