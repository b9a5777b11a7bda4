#!/usr/bin/env bash
# Prints the version of a Debian or RPM package for what `git describe` prints. Both order
# them as 0~20260102030405.1a2b3c4 (no tag yet) < 1.2.0~rc1 < 1.2.0 < 1.2.0+5.g1a2b3c4.
#
# Usage: version.sh VERSION SECONDS   SECONDS since 1970 are the date of the commit
set -euo pipefail

version=${1%-dirty} dirty=
[ "$version" = "$1" ] || dirty=+dirty
if [[ $version =~ ^v?([0-9]+\.[0-9]+\.[0-9]+)(-([a-zA-Z][0-9a-zA-Z.]*))?(-([0-9]+)-(g[0-9a-f]+))?$ ]]; then
  printf '%s%s%s%s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]:+~${BASH_REMATCH[3]}}" \
    "${BASH_REMATCH[5]:++${BASH_REMATCH[5]}.${BASH_REMATCH[6]}}" "$dirty"
else
  printf '0~%s.%s%s\n' "$(date -u -d "@$2" +%Y%m%d%H%M%S)" "${version//[^0-9a-zA-Z.]/.}" "$dirty"
fi
