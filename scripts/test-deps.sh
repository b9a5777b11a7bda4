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
# The deploy script of the documentation is run.
need jq command -v jq
# Its promtool tests the alerts.
need prometheus command -v promtool
# The pages of the documents are clicked through.
need chromium command -v chromium
need shellcheck command -v shellcheck
# The race detector's runtime is linked by a C compiler.
need gcc command -v "${CC:-gcc}"
need libc6-dev test -e /usr/include/stdlib.h
# Debian keeps what starts a server where PATH does not look. As root, the tests
# also need the package's user to run one.
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
    echo "The tests need what is not installed here: ${missing[*]}"
    echo "On Debian or Ubuntu:  sudo apt-get install ${missing[*]}"
  } >&2
  exit 1
fi

# put FILE MODE: writes a file for as long as this script runs. One that is there
# already is somebody's decision.
undo=()
trap '[ ${#undo[@]} -eq 0 ] || "${as_root[@]}" rm -f "${undo[@]}"' EXIT
put() {
  [ ! -e "$1" ] || return 0
  undo+=("$1")
  "${as_root[@]}" mkdir -p "${1%/*}"
  "${as_root[@]}" tee "$1" >/dev/null
  "${as_root[@]}" chmod "$2" "$1"
}

# The package of PostgreSQL would make a database and start a server on the port
# that everybody knows. Debian asks these files before it does either.
put /etc/postgresql-common/createcluster.conf 644 <<<'create_main_cluster = false'
put /usr/sbin/policy-rc.d 755 <<<$'#!/bin/sh\nexit 101'

echo "installing for the tests: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
