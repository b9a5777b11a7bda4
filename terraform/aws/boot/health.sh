#!/bin/bash
# Looks after the instances of the Auto Scaling group: reports this one unhealthy when its service
# does not respond for long, and detaches those that were terminated without detaching themselves.
# lsapi-health.timer runs it every minute.
set -euo pipefail

readonly root=${LSAPI_ROOT:-} # tests run it in a folder
readonly boot=$root/etc/lsapi-boot scripts=$root/usr/local/lib/lsapi
readonly failures=$root/run/lsapi-health # how many checks failed, one after the other
readonly limit=${LSAPI_LIMIT:-10}
readonly metadata=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}

# setting NAME FILE: prints the value of a setting.
setting() { sed -n "s/^$1=//p" "$2"; }

# report: the group replaces the instance.
report() {
  local session instance
  session=$(curl -fsS --max-time 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/latest/api/token")
  instance=$(curl -fsS --max-time 5 -H "X-aws-ec2-metadata-token: $session" "$metadata/latest/meta-data/instance-id")
  echo "lsapi-health: the service did not respond for $failed checks: $instance is unhealthy" >&2
  aws autoscaling set-instance-health --region "$region" --instance-id "$instance" --health-status Unhealthy
}

# terminated: prints the instances of the group that are terminated.
terminated() {
  aws ec2 describe-instances --region "$region" --query 'Reservations[].Instances[].[InstanceId]' --output text \
    --filters "Name=tag:aws:autoscaling:groupName,Values=$(setting group "$boot/instance")" 'Name=instance-state-name,Values=shutting-down,terminated'
}

[ -e "$boot/launched" ] || exit 0 # the launch has a limit of its own
region=$(setting region "$boot/instance")
if ! curl -fsS -o /dev/null --max-time 5 "http://127.0.0.1:$(setting port "$boot/settings")/healthcheck"; then
  failed=$(($(cat "$failures" 2>/dev/null || echo 0) + 1))
  echo "$failed" >"$failures"
  [ "$failed" -lt "$limit" ] || report
  exit
fi
rm -f "$failures"
for gone in $(terminated); do
  "$scripts/member.sh" remove "$gone"
done
