#!/usr/bin/env bash
# Installs the missing dependencies of the benchmark, as root or with passwordless sudo, on
# a system with Debian's packages. Elsewhere it lists them, and the benchmark reports the
# rows that it could not measure.
set -euo pipefail

missing=()
# Debian's nginx is not on every user's PATH.
PATH=$PATH:/usr/sbin
command -v wrk >/dev/null || missing+=(wrk)
command -v nginx >/dev/null || missing+=(nginx-light)
command -v gnuplot >/dev/null || missing+=(gnuplot-nox)
[ -x /usr/bin/aws ] || missing+=(awscli)
command -v taskset >/dev/null || missing+=(util-linux)
# Debian's server programs are not on PATH.
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)

if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  as_root=(sudo -n)
fi

if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
  {
    echo "The benchmark needs packages that are not installed: ${missing[*]}"
    echo "On Debian or Ubuntu:  sudo apt-get install --no-install-recommends ${missing[*]}"
  } >&2
  exit 0
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

# These files keep the packages from starting servers on the default ports, and from
# creating a database.
put /etc/postgresql-common/createcluster.conf 644 <<<'create_main_cluster = false'
put /usr/sbin/policy-rc.d 755 <<<$'#!/bin/sh\nexit 101'

echo "installing for the benchmark: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
