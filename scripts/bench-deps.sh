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

# The package of nginx would start a server on port 80. Debian asks this file
# before it starts anything; one that is there already is somebody's decision.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

echo "installing for the benchmark: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
