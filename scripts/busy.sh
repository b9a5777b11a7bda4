#!/usr/bin/env bash
# busy.sh N COMMAND...: runs a command beside N processes that keep the processors
# busy, as a test that holds on a slow machine must bear. Ends exactly those.
set -euo pipefail

if [ $# -lt 2 ] || ! [[ $1 =~ ^[0-9]+$ ]]; then
  echo "usage: ${0##*/} N COMMAND..." >&2
  exit 2
fi
number=$1
shift

busy=()
# shellcheck disable=SC2317 # the trap calls it
end() {
  [ ${#busy[@]} -eq 0 ] || kill "${busy[@]}" 2>/dev/null || true
}
trap end EXIT
trap 'exit 130' INT TERM

for ((i = 0; i < number; i++)); do
  (
    trap - EXIT INT TERM
    while :; do :; done
  ) &
  busy+=($!)
done
"$@"
