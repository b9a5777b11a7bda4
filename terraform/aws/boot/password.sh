#!/bin/bash
# Writes the password of the database, which AWS rotates, to the file that the service reads
# before each connection. lsapi-password.timer runs it every minute.
set -euo pipefail
umask 077

readonly root=${LSAPI_ROOT:-} # tests run it in a folder
readonly boot=$root/etc/lsapi-boot files=$root/etc/lsapi
# The user of the container, which alone may read the file.
readonly owner=${LSAPI_OWNER:-65532}

# setting NAME FILE: prints the value of a setting, or nothing.
setting() { sed -n "s/^$1=//p" "$2"; }

fail() {
  echo "lsapi-password: $*" >&2
  exit 1
}

secret=$(setting password_secret "$boot/settings")
[ -n "$secret" ] || exit 0 # the record is elsewhere
text=$(aws secretsmanager get-secret-value --region "$(setting region "$boot/instance")" --secret-id "$secret" \
  --query SecretString --output text) || fail "the secret $secret cannot be read"
# In a passfile, : and \ have a backslash before them.
line=$(jq -er '"*:*:*:" + ([.username, .password] | map(select(length > 0) | gsub("(?<c>[:\\\\])"; "\\" + .c)) | select(length == 2) | join(":"))' <<<"$text") ||
  fail "the secret $secret has no username and password"

# The builder mounts the folder into the container.
install -d -m 755 "$files"
if [ "$line" != "$(cat "$files/pgpass" 2>/dev/null)" ]; then
  install -m 400 -o "$owner" /dev/stdin "$files/pgpass.$$" <<<"$line" # the boot may run at the same time
  mv "$files/pgpass.$$" "$files/pgpass"
fi
