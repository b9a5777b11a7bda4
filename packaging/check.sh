#!/usr/bin/env bash
# Installs, runs, upgrades, removes and purges the packages for real, under a systemd of their
# own: see check/machine.sh. The commands of docs/install.md are run as they are printed.
#
# Usage: check.sh [DIST [ROOT]]   DIST has the packages; without it they are made
#                                 ROOT is a folder with a clean system, / by default
set -euo pipefail
dist=${1:+$(realpath "$1")} root=${2:-/}
cd "$(dirname "$0")/.."

skip() {
  echo "SKIPPED: the packages were not installed and run: $1" >&2
  exit 0
}
fail() {
  echo "check.sh: $*" >&2
  [ -z "${pid:-}" ] || inside journalctl --no-pager --lines 30 --unit lsapi.service >&2 || true
  exit 1
}
step() { printf '%3d s  %s\n' "$SECONDS" "$1"; }

[ "$(id -u)" = 0 ] || skip "that needs root"
missing=()
[ -x /lib/systemd/systemd ] || missing+=(systemd)
command -v rpm >/dev/null || missing+=(rpm)
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || skip "not installed: ${missing[*]}"
  echo "installing for the packages: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

work=$(mktemp -d)
# shellcheck disable=SC2317 # it is called by the trap
cleanup() {
  jobs -p | xargs -r kill 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT

# What machine.sh needs of the kernel: in a container without these rights, it cannot be had.
mkdir "$work/probe"
# shellcheck disable=SC2016 # it is expanded by sh
unshare --mount --pid --uts --ipc --net --cgroup --fork sh -ec 'mount -t tmpfs tmpfs "$1" && cd "$1" && mkdir up work root cgroup
  mount -t overlay -o lowerdir=/,upperdir=up,workdir=work overlay root && mount -t cgroup2 cgroup2 cgroup' - "$work/probe" 2>/dev/null ||
  skip "no namespaces, overlays or cgroups can be made here"

arch=$(go env GOARCH)
if [ -z "$dist" ]; then
  dist=$work/dist
  PLATFORMS=linux/$arch DIST=$dist packaging/packages.sh
fi
# The packages of this commit, and of a version before.
new=("$dist"/lsapi_*_"$arch".deb) new_rpm=("$dist"/lsapi-*.rpm)
[ -e "${new[0]}" ] || fail "there is no package for $arch in $dist"
for format in deb rpm; do
  VERSION=0~1 ARCH=$arch DIST=$dist SOURCE_DATE_EPOCH=0 \
    bin/nfpm package --config packaging/nfpm.yaml --packager "$format" --target "$work/old.$format" >/dev/null
done
for package in "${new[0]}" "${new_rpm[0]}"; do
  [ "$(stat -c %s "$package")" -le $((20 << 20)) ] || fail "$package is larger than 20 MiB"
done

# boot: a new machine, with the packages in /root.
boot() {
  packaging/check/machine.sh "$work/machine" "$root" &
  for _ in $(seq 150); do
    [ -s "$work/machine/pid" ] && break
    kill -0 $! 2>/dev/null || fail "systemd did not start: $(tail -1 "$work/machine/log")"
    sleep 0.1
  done
  pid=$(cat "$work/machine/pid")
  inside systemctl is-system-running --wait >/dev/null 2>&1 || true # degraded: services of the machine
  # As on a machine without lists of packages, and without an index of man pages.
  inside mount -t tmpfs tmpfs /var/lib/apt/lists
  inside rm -f /var/lib/man-db/auto-update
  cp "${new[0]}" "$work/old.deb" "${new_rpm[0]}" "$work/old.rpm" "/proc/$pid/root/root/"
  inside install -m 755 /dev/stdin /usr/local/bin/sudo <<'SUDO'
#!/bin/sh
if [ "$1" = -u ]; then user=$2 && shift 2 && exec runuser -u "$user" -- "$@"; fi
exec "$@"
SUDO
}
# inside COMMAND...: in the machine, as root.
inside() {
  nsenter --target "$pid" --all env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}
file() { echo "/proc/$pid/root$1"; }
install_deb() { inside apt-get install -y -o Dpkg::Use-Pty=0 "$@" "/root/$package" 2>&1; }
state() { inside systemctl show --property "$1" --value lsapi.service; }
# eventually COMMAND...: within 20 s.
eventually() {
  for _ in $(seq 100); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.2
  done
  fail "not within 20 s: $*"
}
serves() { inside lsapi healthcheck; }
has() { [[ $1 == *"$2"* ]] || fail "$3: $1"; }
# changes: from the home of root, which the user lsapi may not search.
changes() { inside sh -c 'cd /root && chmod 700 . && sudo -u lsapi lsapi changes list --store sqlite:/var/lib/lsapi/lsapi.db -o json'; }

# documented HEADING: the commands of a section of docs/install.md, run as they are printed.
documented() {
  awk -v heading="## $1" '/^## /{here = $0 == heading} /^```/{code = !code; next} here && code' docs/install.md >"$(file /root/documented)"
  [ -s "$(file /root/documented)" ] || fail "docs/install.md has no commands under $1"
  inside sh -c 'cd /root && exec bash -euo pipefail documented'
}

step 'boot'
boot
package=old.deb

step 'install the version before, without a token'
output=$(install_deb)
has "$output" 'sudo install -m 600 /dev/stdin /etc/lsapi/api-token' 'the installation does not say how to make a token'
[ "$(state ActiveState)" = inactive ] || fail 'it is started without a token'
[ "$(inside stat -c '%A %U:%G' /etc/lsapi)" = 'drwxr-x--- root:lsapi' ] || fail 'the mode of /etc/lsapi'
inside systemd-analyze verify --man=no lsapi.service || fail 'systemd-analyze verify'
exposure=$(inside systemd-analyze security --no-pager lsapi.service | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')
awk -v exposure="$exposure" 'BEGIN { exit !(exposure > 0 && exposure <= 2.0) }' || fail "the exposure is $exposure"
inside man -w lsapi-serve >/dev/null 2>&1 || inside test -e /usr/share/man/man1/lsapi-serve.1.gz || fail 'there is no man page'

step 'start without a token'
! inside systemctl start lsapi 2>/dev/null || fail 'it starts without a token'
status=$(inside systemctl --no-pager status lsapi || true)
line=$(grep -o "no token; make one with: .*[^\"]" <<<"$status" | head -1) || fail "systemctl status does not say what is missing: $status"
[ "$(state NRestarts)" = 0 ] || fail 'an invalid configuration is restarted'
inside sh -c "${line#*with: }"
inside systemctl restart lsapi
serves || fail 'the token of systemctl status is not accepted'

step 'purge, and install as documented'
output=$(inside apt-get purge -y lsapi 2>&1)
has "$output" 'stays in /var/lib/lsapi' 'the purge does not say where the record is'
inside test ! -e /etc/lsapi || fail 'the settings outlive a purge'
inside test -e /var/lib/lsapi/lsapi.db || fail 'a purge removes the record'
inside mv /root/old.deb /root/before
pools=$(documented 'Debian and Ubuntu' 2>&1) || fail "$pools"
has "$pools" elb/default-elb 'the documented commands do not list the pools'

step 'install with a token: it serves within 5 s'
inside apt-get purge -y -qq lsapi >/dev/null 2>&1
inside install -D -m 600 /dev/stdin /etc/lsapi/api-token <<<dXNlcjpwYXNzd29yZA==
inside mv /root/before /root/old.deb
TIMEFORMAT='%R %U %S'
read -r real user system < <({ time { install_deb && serves; } >"$work/install.log"; } 2>&1 | tail -1)
serves || fail "not after the installation: $(cat "$work/install.log")"
step "it took $real s, and $user + $system s of the processor"
# The time of the processor does not depend on what else the machine does.
awk -v user="$user" -v kernel="$system" 'BEGIN { exit !(user + kernel <= 5) }' || fail 'the installation takes more than 5 s of the processor'
printf '%s\n' AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test '# an edited file' >>"$(file /etc/lsapi/lsapi.env)"
inside systemctl restart lsapi
client=(inside env LSAPI_URL=http://127.0.0.1:8000 LSAPI_USER=user LSAPI_PASSWORD=password lsapi)
"${client[@]}" elb detach default-elb i-0592fe5ccee879f04 --reason 'to be kept' >/dev/null
record=$(changes)
has "$record" 'to be kept' 'the change is not on record'

step 'a process that hangs, or is ended by a signal, is restarted'
inside mkdir -p /run/systemd/system/lsapi.service.d
inside tee /run/systemd/system/lsapi.service.d/fast.conf >/dev/null <<<$'[Unit]\nStartLimitIntervalSec=0\n[Service]\nWatchdogSec=4\nTimeoutAbortSec=1\nRestartSec=100ms'
inside systemctl daemon-reload
inside systemctl restart lsapi
sleep 5 # longer than the watchdog
[ "$(state NRestarts)" = 0 ] || fail 'the watchdog ends a process that is alive'
# restarted SIGNAL: whether a process that gets it is replaced.
restarted() {
  local before
  before=$(state MainPID)
  inside sh -c "kill -$1 $before"
  eventually eval "[ \"\$(state MainPID)\" != $before ] && serves"
}
restarted STOP
restarted ABRT
restarted KILL
inside rm /run/systemd/system/lsapi.service.d/fast.conf
inside systemctl daemon-reload
inside systemctl restart lsapi

step 'reload: the policy is read again'
printf 'defaults: {keepLast: true}\n' >"$(file /etc/lsapi/policy.yaml)"
inside systemctl reload lsapi
eventually sh -c "$(printf '%q ' nsenter --target "$pid" --all journalctl --unit lsapi.service --grep 'reloading')"

step 'upgrade: settings and record are kept, and what ran is restarted'
before=$(state MainPID) package=${new[0]##*/}
install_deb >/dev/null
serves || fail 'not after the upgrade'
[ "$(state MainPID)" != "$before" ] || fail 'the upgrade does not restart it'
[ "$(changes)" = "$record" ] || fail "the upgrade changed the record: $(changes)"
grep -q 'an edited file' "$(file /etc/lsapi/lsapi.env)" || fail 'the upgrade replaces edited settings'

step 'upgrade while the start waits for the record, on a full disk'
inside systemctl stop lsapi
inside mount -t tmpfs -o size=1m,mode=777 tmpfs /var/lib/lsapi
inside sh -c 'cat /dev/zero >/var/lib/lsapi/full' 2>/dev/null || true
inside systemctl start --no-block lsapi
eventually eval "[[ \$(state StatusText) == 'waiting for the record of changes: '* ]]"
before=$(state MainPID)
{ sleep 5 && inside rm /var/lib/lsapi/full; } &
install_deb --reinstall >/dev/null
[ "$(state MainPID)" != "$before" ] || fail 'the version before still waits'
eventually serves
inside systemctl stop lsapi
inside umount /var/lib/lsapi
inside systemctl start lsapi

step 'over the record of a newer version: refused, and nothing altered'
# alter SQL: the record of the stopped service. SQLite does not open a file below /proc/PID/root.
alter() {
  local name=lsapi.db
  rm -rf "$work/record" && cp -R "$(file /var/lib/lsapi)" "$work/record"
  python3 - "$work/record/$name" "$1" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute(sys.argv[2])
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
db.close()
PYTHON
  inside rm -f "/var/lib/lsapi/$name-wal" "/var/lib/lsapi/$name-shm"
  inside tee "/var/lib/lsapi/$name" >/dev/null <"$work/record/$name"
}
inside systemctl stop lsapi
alter "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"
sum=$(inside sha256sum /var/lib/lsapi/lsapi.db)
inside systemctl start lsapi 2>/dev/null || true
output=$(install_deb --reinstall) || fail "the package is not installed: $output"
has "$output" 'made by a newer lsapi' 'the installation does not say why it did not start'
has "$(inside systemctl --no-pager status lsapi || true)" 'run that or a later version' 'systemctl status does not say what to do'
sleep 1
[ "$(state ActiveState)/$(state NRestarts)" = failed/0 ] || fail "it is $(state ActiveState) after $(state NRestarts) restarts"
[ "$(inside sha256sum /var/lib/lsapi/lsapi.db)" = "$sum" ] || fail 'it alters the record of a newer version'
alter "DELETE FROM goose_db_version WHERE version_id = 9999"
inside systemctl reset-failed lsapi
inside systemctl start lsapi
[ "$(changes)" = "$record" ] || fail "the record is $(changes)"

step 'remove: settings and record are kept'
inside apt-get remove -y -qq lsapi >/dev/null 2>&1
[ "$(state LoadState)" = not-found ] || fail 'the unit is still there'
eventually test ! -e "$(file /sys/fs/cgroup/system.slice/lsapi.service)" # its processes
inside test -e /etc/lsapi/lsapi.env -a -e /etc/lsapi/api-token -a -e /var/lib/lsapi/lsapi.db || fail 'a removal removes too much'

step 'install again: it serves with what was kept'
install_deb >/dev/null
serves || fail 'not after the second installation'
[ "$(changes)" = "$record" ] || fail "the record is $(changes)"
inside systemctl stop lsapi
install_deb --reinstall >/dev/null
[ "$(state ActiveState)" = inactive ] || fail 'an upgrade starts what was stopped'

if ! inside sh -c 'command -v rpm' >/dev/null; then
  step "the deb installs, runs, upgrades, and leaves the record (exposure $exposure); no rpm in $root"
  exit 0
fi
step 'rpm: install, run, upgrade, erase'
inside apt-get purge -y -qq lsapi >/dev/null 2>&1
rpm=(inside rpm --dbpath /run/rpm --nodeps)
has "$("${rpm[@]}" -i /root/old.rpm 2>&1)" 'sudo systemctl enable --now lsapi' 'the installation does not say how to start it'
[ "$(inside stat -c '%A %U:%G' /etc/lsapi)" = 'drwxr-x--- root:lsapi' ] || fail 'the mode of /etc/lsapi'
inside install -m 600 /dev/stdin /etc/lsapi/api-token <<<dXNlcjpwYXNzd29yZA==
echo '# an edited file' >>"$(file /etc/lsapi/lsapi.env)"
inside systemctl enable --quiet --now lsapi
serves || fail 'not after the installation of the rpm'
before=$(state MainPID)
"${rpm[@]}" -U "/root/${new_rpm[0]##*/}" >/dev/null 2>&1
serves || fail 'not after the upgrade of the rpm'
[ "$(state MainPID)" != "$before" ] || fail 'the upgrade of the rpm does not restart it'
grep -q 'an edited file' "$(file /etc/lsapi/lsapi.env)" || fail 'the upgrade of the rpm replaces edited settings'
[ "$(changes)" = "$record" ] || fail "the record is $(changes)"
has "$("${rpm[@]}" -e lsapi 2>&1)" 'stays in /var/lib/lsapi' 'the removal does not say where the record is'
inside test ! -e /usr/bin/lsapi -a -e /var/lib/lsapi/lsapi.db -a -e /etc/lsapi/api-token || fail 'the removal of the rpm'

step "the packages install, run, upgrade, and leave the record (exposure $exposure)"
