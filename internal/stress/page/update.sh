#!/usr/bin/env bash
# Fetches uPlot, which draws the report, from npm, and keeps what the report needs
# beside this script. The same version gives the same bytes, so that a change of
# them can be reviewed by running it again.
#
# Usage: update.sh [VERSION]
set -euo pipefail

version=${1:-1.6.32}
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

npm pack --silent --pack-destination "$work" "uplot@$version" >/dev/null
tar -xzf "$work/uplot-$version.tgz" -C "$work"

install -m 644 "$work/package/dist/uPlot.iife.min.js" "$here/uplot.js"
install -m 644 "$work/package/dist/uPlot.min.css" "$here/uplot.css"
install -m 644 "$work/package/LICENSE" "$here/LICENSE"
