#!/bin/bash
# Attaches this instance to its load balancer through its own service, or detaches it and waits
# until it is drained. Also detaches another one, which cannot do so.
set -euo pipefail

readonly root=${LSAPI_ROOT:-} # tests run it in a folder
readonly metadata=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}
# How often to try, 5 s apart: a first build takes minutes.
readonly attempts=${LSAPI_ATTEMPTS:-120}
# How long to wait until the instance is drained, in seconds. systemd stops for 4 minutes at most.
readonly drain=${LSAPI_DRAIN:-100}

setting() { sed -n "s/^$1=//p" "$root/etc/lsapi-boot/settings"; }

# request ARGUMENT...: calls the service. The token must not appear in the arguments of a process.
request() {
  local token
  token=$(sed -n 's/^API_TOKEN=//p' "$root/root/.env")
  curl -sS -H @- "$@" <<<"Authorization: Basic $token"
}

# change METHOD QUERY [ARGUMENT...]: prints the status and the error code of a change.
change() {
  local method=$1 query=$2
  shift 2
  request -o /dev/null -w '%{http_code} %header{x-error-code}' -X "$method" "$@" -d "{\"instanceId\":\"$instance\"}" "$url$query" || true
}

is_member() {
  # A list with or without the envelope.
  request -f -H 'Cache-Control: no-cache' "$url" 2>/dev/null |
    jq -e --arg id "$instance" '(.message? // .) | any(.instanceId == $id)' >/dev/null 2>&1
}

attach() {
  local answer=none
  for _ in $(seq "$attempts"); do
    ! is_member || return 0
    answer=$(change POST '' -H 'X-Reason: the instance starts' 2>/dev/null)
    case $answer in
      201* | '409 conflict') return 0 ;;
    esac
    sleep 5
  done
  echo "lsapi-attach: $instance is not attached to $name: the last response was $answer" >&2
  return 1
}

# detach: the machine stops whatever the guards say, so a refusal is overridden, which is on record.
detach() {
  local answer why=${1:-the instance stops} query="?wait=true&timeout=${drain}s" limit=$((drain + 10))
  answer=$(change DELETE "$query" --max-time "$limit" -H "X-Reason: $why")
  case $answer in
    '409 guard.'*) answer=$(change DELETE "$query" --max-time "$limit" -H "X-Reason: $why" -H "X-Override-Guard: $why") ;;
  esac
  case $answer in
    201* | '409 conflict' | '404 member.absent') ;;
    504*) echo "lsapi-attach: $instance is detached from $name, and not drained yet" >&2 ;;
    *)
      echo "lsapi-attach: $instance is not detached from $name: the response was $answer" >&2
      return 1
      ;;
  esac
}

# remove INSTANCE: detaches an instance that is terminated, if it is a member.
remove() {
  instance=$1
  ! is_member || detach 'the instance is terminated'
}

name=$(setting elb_name)
url=http://127.0.0.1:$(setting port)/elb/$name
session=$(curl -fsS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/latest/api/token")
instance=$(curl -fsS -H "X-aws-ec2-metadata-token: $session" "$metadata/latest/meta-data/instance-id")

case ${1:-} in
  attach | detach) "$1" ;;
  remove) remove "$2" ;;
  *)
    echo "usage: member.sh attach|detach|remove INSTANCE" >&2
    exit 2
    ;;
esac
