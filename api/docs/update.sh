#!/usr/bin/env bash
# Fetches Swagger UI, of which the page at /docs is made, from npm, and keeps the
# files that the page needs beside this script. The same version gives the same
# bytes, so that a change of them can be reviewed by running it again.
#
# Usage: update.sh [VERSION]
set -euo pipefail

version=${1:-5.35.0}
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

npm pack --silent --pack-destination "$work" "swagger-ui-dist@$version" >/dev/null
tar -xzf "$work/swagger-ui-dist-$version.tgz" -C "$work"

for file in swagger-ui.css swagger-ui-bundle.js; do
	gzip -9n <"$work/package/$file" >"$here/$file.gz"
done
for file in LICENSE NOTICE swagger-ui-bundle.js.LICENSE.txt; do
	install -m 644 "$work/package/$file" "$here/$file"
done
