#!/usr/bin/env bash
# Installs what the tests need beside Go, where it is missing: as root, or with a
# sudo that asks for no password, on a system with Debian's packages. Elsewhere it
# says what is missing and fails.
set -euo pipefail

missing=()

# need PACKAGE COMMAND...: PACKAGE is missing unless COMMAND succeeds.
need() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}

need awscli test -x /usr/bin/aws
need python3-boto3 /usr/bin/python3 -c 'import boto3'
need curl command -v curl
need shellcheck command -v shellcheck
# The race detector's runtime is linked by a C compiler.
need gcc command -v "${CC:-gcc}"
need libc6-dev test -e /usr/include/stdlib.h

if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  as_root=(sudo -n)
fi

if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
  {
    echo "The tests need what is not installed here: ${missing[*]}"
    echo "On Debian or Ubuntu:  sudo apt-get install ${missing[*]}"
  } >&2
  exit 1
fi

echo "installing for the tests: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
