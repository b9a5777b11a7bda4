#!/bin/bash
# Completes the lifecycle actions of the Auto Scaling group of this instance: the launch once
# lsapi-attach has attached it, the termination once it is detached and drained.
set -euo pipefail

readonly root=${LSAPI_ROOT:-} # tests run it in a folder
readonly boot=$root/etc/lsapi-boot scripts=$root/usr/local/lib/lsapi
readonly launched=$boot/launched # exists after the launch
readonly metadata=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}
readonly pause=${LSAPI_PAUSE:-5}

log() { echo "lsapi-lifecycle: $*" >&2; }

# setting NAME: prints the value of a setting.
setting() { sed -n "s/^$1=//p" "$boot/instance"; }

# fetch PATH: prints an item of the metadata. Before the group sets one it does not exist.
fetch() {
  local session
  session=$(curl -fsS --max-time 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/latest/api/token" 2>/dev/null) &&
    curl -fsS --max-time 5 -H "X-aws-ec2-metadata-token: $session" "$metadata/latest/meta-data/$1" 2>/dev/null
}

# complete HOOK: lets the group continue. An action that has expired, or was completed before, is
# none any more.
complete() {
  local error
  error=$(aws autoscaling complete-lifecycle-action --region "$(setting region)" --auto-scaling-group-name "$(setting group)" \
    --lifecycle-hook-name "$1" --instance-id "$instance" --lifecycle-action-result CONTINUE 2>&1 >/dev/null) && return
  case $error in
    *'No active Lifecycle Action'*) log "the group did not wait for $1" ;;
    *)
      log "$1 cannot be completed: $error"
      return 1
      ;;
  esac
}

launch() {
  systemctl is-active --quiet lsapi-attach.service || return
  complete launching && touch "$launched"
}

# terminate: nothing attaches the instance again, and it stays until it is detached and drained.
terminate() {
  local drain
  systemctl stop lsapi-attach.service lsapi-boot.service || return
  # The service waits for an hour at most, the longest timeout of AWS.
  drain=$(($(sed -n 's/^draining_timeout=//p' "$boot/settings") + 60))
  [ "$drain" -le 3600 ] || drain=3600
  LSAPI_DRAIN=$drain "$scripts/member.sh" detach && complete terminating
}

until instance=$(fetch instance-id); do
  sleep "$pause"
done
while true; do
  case $(fetch autoscaling/target-lifecycle-state) in
    InService) [ -e "$launched" ] || launch || true ;;
    Terminated) ! terminate || exit 0 ;;
  esac
  sleep "$pause"
done
