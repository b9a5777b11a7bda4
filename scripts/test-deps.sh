#!/usr/bin/env bash
# Installs the missing dependencies of the tests beside Go, as root or with passwordless
# sudo, on a system with Debian's packages. Elsewhere it lists them and fails.
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
# For the deploy script of the documentation.
need jq command -v jq
# promtool tests the alerts.
need prometheus command -v promtool
# For the tests of the document pages.
need chromium command -v chromium
need shellcheck command -v shellcheck
# The race detector needs a C compiler.
need gcc command -v "${CC:-gcc}"
need libc6-dev test -e /usr/include/stdlib.h
# Debian's server programs are not on PATH. As root, the tests run PostgreSQL as the
# package's user.
need postgresql compgen -G '/usr/lib/postgresql/*/bin/initdb'

if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  as_root=(sudo -n)
fi

if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
  {
    echo "The tests need packages that are not installed: ${missing[*]}"
    echo "On Debian or Ubuntu:  sudo apt-get install ${missing[*]}"
  } >&2
  exit 1
fi

# put FILE MODE: writes a file until this script ends, unless it exists already.
undo=()
trap '[ ${#undo[@]} -eq 0 ] || "${as_root[@]}" rm -f "${undo[@]}"' EXIT
put() {
  [ ! -e "$1" ] || return 0
  undo+=("$1")
  "${as_root[@]}" mkdir -p "${1%/*}"
  "${as_root[@]}" tee "$1" >/dev/null
  "${as_root[@]}" chmod "$2" "$1"
}

# These files keep the package of PostgreSQL from creating a database and from starting a
# server on the default port.
put /etc/postgresql-common/createcluster.conf 644 <<<'create_main_cluster = false'
put /usr/sbin/policy-rc.d 755 <<<$'#!/bin/sh\nexit 101'

echo "installing for the tests: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
