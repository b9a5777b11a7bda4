#!/usr/bin/env bash
# Installs what the benchmark measures with and against, where it is missing: as
# root, or with a sudo that asks for no password, on a system with Debian's
# packages. Elsewhere it says what is missing, and the benchmark says which rows
# could not be measured.
set -euo pipefail

missing=()
# Debian has nginx where not every user's PATH looks.
PATH=$PATH:/usr/sbin
command -v wrk >/dev/null || missing+=(wrk)
command -v nginx >/dev/null || missing+=(nginx-light)
command -v gnuplot >/dev/null || missing+=(gnuplot-nox)
command -v taskset >/dev/null || missing+=(util-linux)
# Debian keeps what starts a server where PATH does not look.
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
    echo "The benchmark lacks what is not installed here: ${missing[*]}"
    echo "On Debian or Ubuntu:  sudo apt-get install --no-install-recommends ${missing[*]}"
  } >&2
  exit 0
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

# The packages would start servers on the ports that everybody knows, PostgreSQL's
# with a database. Debian asks these files before it does.
put /etc/postgresql-common/createcluster.conf 644 <<<'create_main_cluster = false'
put /usr/sbin/policy-rc.d 755 <<<$'#!/bin/sh\nexit 101'

echo "installing for the benchmark: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
