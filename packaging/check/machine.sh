#!/usr/bin/env bash
# Boots the systemd of a root folder in namespaces of their own: process 1, a loopback network,
# cgroups. What is written goes to memory, and is gone with the machine.
#
# Usage: machine.sh FOLDER [ROOT]   FOLDER gets the files pid, of systemd, and log
#                                   ROOT is / by default: the machine itself, as it is installed
#
# Needs root. The machine ends with this script.
set -euo pipefail

folder=$(realpath "$1") root=${2:-/}
mkdir -p "$folder/memory" "$folder/root" "$folder/cgroup"
group=lsapi-machine-$$

# setup runs in the new namespaces, and becomes systemd.
# shellcheck disable=SC2317 # it is called by name
setup() {
  local new=$folder/root name
  mount -t tmpfs -o size=1g tmpfs "$folder/memory"
  mkdir "$folder/memory/upper" "$folder/memory/work"
  mount -t overlay -o "lowerdir=$root,upperdir=$folder/memory/upper,workdir=$folder/memory/work" overlay "$new"

  mount -t proc proc "$new/proc"
  mount -t sysfs sysfs "$new/sys"
  mount -t cgroup2 cgroup2 "$new/sys/fs/cgroup"
  mount -o remount,ro "$new/sys"
  mount -t tmpfs -o mode=755 tmpfs "$new/run"
  mount -t tmpfs tmpfs "$new/tmp"
  mount -t tmpfs -o mode=755 tmpfs "$new/dev"
  for name in null zero full random urandom tty; do
    : >"$new/dev/$name"
    mount --bind "/dev/$name" "$new/dev/$name"
  done
  mkdir "$new/dev/pts" "$new/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$new/dev/pts"
  ln -s pts/ptmx "$new/dev/ptmx"

  # The machine is not the one that it is a copy of, and nothing keeps packages from starting
  # their services.
  : >"$new/etc/fstab"
  rm -f "$new/usr/sbin/policy-rc.d" "$new/etc/machine-id"
  : >"$new/etc/machine-id"
  mkdir -p "$new/oldroot"
  cd "$new"
  pivot_root . oldroot
  hash -r
  umount -l /oldroot
  # systemd leaves that to the manager of a container. It mounts credentials for its services.
  mount --make-rshared /
  # basic.target: none of the services of the copied machine.
  exec env -i container=machine PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=basic.target --log-target=journal --show-status=no </dev/null
}

# join makes a control group of the machine's own and starts the machine in it. Otherwise it would
# manage the groups of this system, which has a systemd, or another machine.
# shellcheck disable=SC2317 # it is called by name
join() {
  mount -t cgroup2 cgroup2 "$folder/cgroup"
  mkdir "$folder/cgroup/$group"
  echo $$ >"$folder/cgroup/$group/cgroup.procs"
  umount "$folder/cgroup"
  exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child --propagation private \
    bash -euo pipefail -c setup
}
# leave removes the control group, once its processes have ended.
# shellcheck disable=SC2317 # it is called by name
leave() {
  mount -t cgroup2 cgroup2 "$folder/cgroup"
  for _ in $(seq 50); do
    find "$folder/cgroup/$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
    sleep 0.1
  done
}
# shellcheck disable=SC2317 # it is called by the trap
cleanup() {
  # With all of its processes; the shell reports what is killed.
  { kill -9 "$machine" && wait "$machine"; } 2>/dev/null || true
  unshare --mount --propagation private bash -c leave || true
}
export folder root group
export -f setup join leave

unshare --mount --propagation private bash -euo pipefail -c join >"$folder/log" 2>&1 &
machine=$!
trap cleanup EXIT
# The child of unshare is process 1 of the machine, and systemd once it has set it up.
for _ in $(seq 100); do
  pid=$(tr -d ' ' 2>/dev/null <"/proc/$machine/task/$machine/children" || true)
  [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = systemd ] && break
  kill -0 "$machine" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
  sleep 0.1
done
echo "$pid" >"$folder/pid"
wait "$machine"
