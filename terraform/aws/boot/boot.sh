#!/bin/bash
# Brings the service up at each start of the machine: settings, the record, Docker, the service. Every step
# can be repeated, and lsapi-boot.service repeats all of them until they succeed.
set -euo pipefail
umask 077

readonly root=${LSAPI_ROOT:-} # tests run the steps in a folder
readonly scripts=$root/usr/local/lib/lsapi boot=$root/etc/lsapi-boot files=$root/etc/lsapi
readonly env_file=$root/root/.env builder=$root/root/builder
# How long the containers may take to serve after a reboot, in seconds.
readonly patience=${LSAPI_PATIENCE:-120}

fail() {
  echo "lsapi-boot: $*" >&2
  exit 1
}

# setting NAME [FILE]: prints the value of a setting, or nothing.
setting() { sed -n "s/^$1=//p" "${2:-$boot/settings}"; }

# parameter NAME: prints the decrypted value of an SSM parameter, which must not be empty.
parameter() {
  local value
  value=$(aws ssm get-parameter --region "$region" --name "$1" --with-decryption --query Parameter.Value --output text) ||
    fail "the parameter $1 cannot be read"
  [ -n "$value" ] || fail "the parameter $1 is empty"
  printf '%s\n' "$value"
}

# replace FILE MODE: replaces a file with the standard input, if it differs.
replace() {
  install -m "$2" /dev/stdin "$1.new"
  if cmp -s "$1.new" "$1"; then
    rm "$1.new"
  else
    mv "$1.new" "$1"
  fi
}

# The build needs more memory than a t3.micro has.
add_swap() {
  local active
  active=$(swapon --show=NAME --noheadings)
  ! grep -Fxq /swapfile <<<"$active" || return 0
  if [ ! -e "$root/swapfile" ]; then
    dd if=/dev/zero of="$root/swapfile.new" bs=1M count=4096 status=none
    mkswap "$root/swapfile.new" >/dev/null
    mv "$root/swapfile.new" "$root/swapfile"
  fi
  swapon "$root/swapfile"
  grep -q '^/swapfile ' "$root/etc/fstab" || echo '/swapfile none swap sw 0 0' >>"$root/etc/fstab"
}

# fetch_settings: the settings and the policy, as Terraform set them last.
fetch_settings() {
  local text policy
  text=$(parameter "$(setting settings_parameter "$boot/instance")") || exit 1
  replace "$boot/settings" 600 <<<"$text"
  policy=$(setting policy_parameter)
  [ -n "$policy" ] || return 0
  text=$(parameter "$policy") || exit 1
  # The builder mounts the folder into the container, whose user is not root.
  install -d -m 755 "$files"
  replace "$files/policy.yaml" 644 <<<"$text"
}

# write_env_file: the service's settings. Those whose names have capital letters are in the
# settings, and secret.NAME is the parameter with the value of NAME.
write_env_file() {
  local text name from value
  text=$(grep -E '^[A-Z]' "$boot/settings") || fail "there are no settings of the service"
  while IFS='=' read -r name from; do
    value=$(parameter "$from") || exit 1
    [[ $value != *$'\n'* ]] || fail "the parameter $from has more than one line"
    text+=$'\n'$name=$value
  done < <(sed -n 's/^secret\.//p' "$boot/settings")
  replace "$env_file" 600 <<<"$text"
}

install_packages() {
  if ! command -v docker || ! command -v git || ! command -v jq || ! command -v mkfs.ext4; then
    dnf install -y -q docker git jq e2fsprogs
  fi >/dev/null
}

# prepare_record: mounts the volume of the record, or forgets the one of earlier settings, for which
# Docker would wait.
prepare_record() {
  local volume
  volume=$(setting record_volume)
  if [ -n "$volume" ]; then
    "$scripts/record.sh" "$volume" || exit 1
  elif grep -q ' /var/lib/lsapi ' "$root/etc/fstab"; then
    sed -i '\, /var/lib/lsapi ,d' "$root/etc/fstab"
    systemctl daemon-reload
  fi
}

# fetch_password: the password of a database in RDS, in a file that STORE_URL names.
fetch_password() { [ -z "$(setting password_secret)" ] || "$scripts/password.sh"; }

# write_builder: a builder with the settings of this machine, for the boot and for people.
write_builder() {
  local state=lsapi-state url ref
  [ -z "$(setting record_volume)" ] || state=$root/var/lib/lsapi
  url=$(setting repository_url) ref=$(setting repository_ref)
  replace "$builder" 700 <<END
#!/bin/bash
# Runs the builder with the settings of this machine, which flags override. Written at each boot.
export STATE=\${STATE:-$state}
export REPOSITORY_URL=\${REPOSITORY_URL:-${url@Q}}
export REPOSITORY_REF=\${REPOSITORY_REF:-${ref@Q}}
export PORT=$(setting port)
exec $scripts/builder.sh "\$@"
END
}

# build URL REF: fetches the builder of that version, and lets it build and start the service.
build() {
  local source
  source=$(mktemp -d)
  git clone -q -- "$1" "$source" || fail "$1 cannot be cloned"
  git -C "$source" checkout -q "$2" || fail "$1 has no $2"
  install -m 755 "$source/external_scripts/builder.sh" "$scripts/builder.sh"
  rm -rf "$source"
  "$builder" || fail "the builder failed with status $?"
}

serves() { curl -fsS -o /dev/null --max-time 5 "http://127.0.0.1:$(setting port)/healthcheck" 2>/dev/null; }

await_service() {
  local end=$((SECONDS + patience))
  until serves; do
    [ $SECONDS -lt $end ] || fail "the service does not respond: docker logs lsapi"
    sleep 1
  done
}

# deploy: builds the service if there is none, or if Terraform names another version than at the
# last boot, and restarts it if its settings are new. A version that an upgrade by hand brought
# stays.
deploy() {
  local url ref version environment containers
  url=$(setting repository_url) ref=$(setting repository_ref)
  version="$url $ref" environment=$(sha256sum <"$env_file")
  containers=$(docker ps --all --format '{{.Names}}') || fail "Docker does not say which containers there are"
  if ! grep -Fxq lsapi <<<"$containers"; then
    if [ -z "$url" ]; then
      echo "lsapi-boot: there is no repository_url: build the service as docs/deploy.md describes"
      return
    fi
    build "$url" "$ref"
  elif [ -n "$url" ] && [ "$version" != "$(cat "$boot/version" 2>/dev/null)" ]; then
    build "$url" "$ref"
  elif [ "$environment" != "$(cat "$boot/environment" 2>/dev/null)" ]; then
    "$builder" restart || fail "the builder failed with status $?"
  else
    await_service
  fi
  replace "$boot/version" 600 <<<"$version"
  replace "$boot/environment" 600 <<<"$environment"
}

main() {
  region=$(setting region "$boot/instance")
  fetch_settings
  write_env_file
  add_swap
  install_packages
  prepare_record
  systemctl enable --now docker
  fetch_password
  write_builder
  deploy
  systemctl --no-block reload-or-restart lsapi-attach.service
}

main
