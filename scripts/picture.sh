#!/usr/bin/env bash
# Draws docs/lsapi.svg, the terminal of the README: commands against a running demo, as a
# terminal of 98 columns shows them.
#
# Usage: picture.sh LSAPI FREEZE, the programs
set -euo pipefail
cd "$(dirname "$0")/.."

freeze=$(realpath "$2")
columns=98
work=$(mktemp -d)
mkdir "$work/bin"
ln -s "$(realpath "$1")" "$work/bin/lsapi"
export PATH="$work/bin:$PATH" TERM=xterm-256color HOME="$work"
export LSAPI_USER=demo LSAPI_PASSWORD=demo

: >"$work/demo"
lsapi demo --listen 127.0.0.1:0 --emulator-listen 127.0.0.1:0 >"$work/demo" 2>"$work/log" &
demo=$!
trap 'kill "$demo"; rm -rf "$work"' EXIT
until LSAPI_URL=$(sed -n 's/^# The service is at \(http:\S*\) .*/\1/p' "$work/demo") && [ -n "$LSAPI_URL" ]; do
  kill -0 "$demo" || { cat "$work/log"; exit 1; }
  sleep 0.1
done
export LSAPI_URL
# The emulated AWS probes the members, as AWS does, before they are in service.
until [ "$(lsapi pool list --no-headers -o table | awk '$2 == "-" || $3 == 0' | wc -l)" = 0 ]; do
  sleep 0.5
done

# show COMMAND: what a terminal shows of a command, without its progress. If it fails, it
# says why.
show() {
  printf '\033[32m$\033[0m \033[36m%s\033[0m\n' "$1"
  script --quiet --return --command "stty cols $columns; $1 2>$work/messages" /dev/null || fold -s -w "$columns" "$work/messages"
}

{
  show "lsapi pool list"
  echo
  show "lsapi elb attach default-elb i-0bee000000000cd01 --wait --reason 'deploy 117'"
  echo
  show "lsapi elb detach default-elb i-0592fe5ccee879f04 --wait --reason 'deploy 117'"
  echo
  show "lsapi elb detach default-elb i-0bee000000000cd01"
  echo
  show "lsapi elb history default-elb"
} | tr -d '\r' >"$work/session"

"$freeze" --language ansi --window --padding 20 --font.family "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" --font.size 14 --output docs/lsapi.svg <"$work/session"
