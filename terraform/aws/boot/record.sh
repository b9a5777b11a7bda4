#!/bin/bash
# record.sh VOLUME: mounts the EBS volume of the record, now and at each boot. A new volume, which has
# nothing on it at all, gets a file system.
set -euo pipefail

readonly volume=$1
readonly root=${LSAPI_ROOT:-} # tests run it in a folder
readonly mounted=$root/var/lib/lsapi fstab=$root/etc/fstab
readonly owner=65532 # of the service in its container

fail() {
  echo "lsapi-boot: $*" >&2
  exit 1
}

# find_device: prints the volume's device: its serial number is the volume's id without the hyphen.
# Machines without NVMe have the name of the attachment.
find_device() {
  lsblk --nodeps --noheadings --paths --output NAME,SERIAL |
    awk -v serial="${volume/-/}" '$2 == serial || (NF == 1 && $1 == "/dev/xvdf") { print $1; exit }'
}

# is_blank DEVICE: whether there is neither a known signature nor any byte at its beginning.
is_blank() {
  local found=0 bytes
  blkid --probe "$1" >/dev/null || found=$?
  [ "$found" -eq 2 ] || return 1
  bytes=$(head -c 1048576 "$1" | tr -d '\0' | head -c 1 | wc -c)
  [ "$bytes" -eq 0 ]
}

device=$(find_device)
[ -n "$device" ] || fail "the volume $volume of the record is not attached"

if is_blank "$device"; then
  mkfs.ext4 -q -L lsapi-record "$device"
fi
kind=$(blkid --probe --match-tag TYPE --output value "$device") || kind=
[ "$kind" = ext4 ] || fail "$volume is not empty, and its file system is not ext4 but ${kind:-none}"
uuid=$(blkid --probe --match-tag UUID --output value "$device")

install -d -m 755 "$mounted"
line="UUID=$uuid /var/lib/lsapi ext4 noatime,nosuid,nodev,noexec,nofail,x-systemd.device-timeout=90s 0 2"
if ! grep -Fxq "$line" "$fstab"; then
  { grep -v ' /var/lib/lsapi ' "$fstab" || true; echo "$line"; } >"$fstab.new"
  chmod --reference="$fstab" "$fstab.new"
  mv "$fstab.new" "$fstab"
  systemctl daemon-reload
fi
if ! mountpoint -q "$mounted"; then
  mount "$mounted"
fi
# The volume may have grown. The service also starts with a file system that has not.
said=$(resize2fs "$device" 2>&1) || echo "lsapi-boot: the file system of $volume cannot grow: $said" >&2
chown "$owner:$owner" "$mounted"
chmod 700 "$mounted"
