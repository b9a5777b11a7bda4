#!/usr/bin/env bash
# Builds the image for real and runs what is in it: its binary, from its root, against
# the emulated AWS. There is no daemon and no registry: Debian's buildah builds it, and
# the stage that compiles is replaced by the binary of the packages, which is the same
# command on the same files. The image of the packages has to be like it.
#
# Usage: image-check.sh [FOLDER]   FOLDER has the packages; without it they are made
set -euo pipefail
dist=${1:+$(realpath -m "$1")}
cd "$(dirname "$0")/.."

skip() {
  echo "SKIPPED: the image was not built and run: $1" >&2
  exit 0
}
[ "$(id -u)" = 0 ] || skip "that needs root"
if ! command -v buildah >/dev/null; then
  command -v apt-get >/dev/null || skip "buildah is not installed"
  echo "installing for the image: buildah"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah ca-certificates >/dev/null
fi

# What buildah needs where there is neither a daemon nor overlayfs nor a registry.
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
work=$(mktemp -d)
export CONTAINERS_STORAGE_CONF=$work/storage.conf
printf '[storage]\ndriver = "vfs"\nrunroot = "%s/run"\ngraphroot = "%s/graph"\n' "$work" "$work" >"$CONTAINERS_STORAGE_CONF"
running=()
# shellcheck disable=SC2317 # it is called by the trap
cleanup() {
  for pid in "${running[@]}"; do kill "$pid" 2>/dev/null || true; done
  buildah rm --all >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

architecture=$(go env GOARCH)
if [ -z "$dist" ]; then
  dist=$work/dist
  PLATFORMS=linux/$architecture DIST=$dist packaging/packages.sh
fi
mkdir -p "$work/out/state"
cp "$dist/bin/linux_$architecture/lsapi" "$work/out/lsapi"
cp /etc/ssl/certs/ca-certificates.crt "$work/out/ca-certificates.crt"
install -m 644 packaging/rds/rds.pem "$work/out/rds.pem"
cp "$dist/licences.txt" "$work/out/licences.txt"

prebuilt=$(buildah from scratch)
buildah copy -q "$prebuilt" "$work/out" /out >/dev/null
buildah commit -q "$prebuilt" localhost/lsapi-prebuilt >/dev/null
scripts/image.sh localhost/lsapi:check --quiet --build-arg BINARY=localhost/lsapi-prebuilt >/dev/null

# What the image says of itself.
config=$(buildah inspect --type image --format '{{.Docker.Config}}' localhost/lsapi:check)
user=$(buildah inspect --type image --format '{{.Docker.Config.User}}' localhost/lsapi:check)
health=$(buildah inspect --type image --format '{{.Docker.Config.Healthcheck}}' localhost/lsapi:check)
[ "$user" = 65532:65532 ] || { echo "it runs as $user: $config" >&2; exit 1; }
[[ $health == *"/lsapi healthcheck"* ]] || { echo "its health check is $health" >&2; exit 1; }

container=$(buildah from localhost/lsapi:check)
root=$(buildah mount "$container")
size=$(du -sb "$root" | cut -f1)
[ "$size" -le 38000000 ] || { echo "it holds $size bytes, more than 38 MB" >&2; exit 1; }
[ "$(find "$root" -type f | sed "s|^$root||" | sort | tr '\n' ' ')" = '/etc/ssl/certs/ca-certificates.crt /lsapi /usr/share/lsapi/licences.txt /usr/share/lsapi/rds.pem ' ] ||
  { echo "there is more or less in it than the binary, certificate authorities and licences:" >&2; find "$root" -type f >&2; exit 1; }

# What the packages have: the same settings and files.
buildah pull -q "oci-archive:$(echo "$dist"/lsapi_*_image.tar)" >"$work/packaged"
packaged=$(cat "$work/packaged")
packaged_root=$(buildah mount "$(buildah from "$packaged")")
# settings IMAGE and files ROOT print what has to be equal: all that buildah does not add.
settings() {
  buildah inspect --type image "$1" | jq -S '.Docker.config | del(.Hostname, .OnBuild, .Labels["io.buildah.version"])
    | .Env |= map(select(startswith("PATH=") | not)) | .Labels |= map_values(rtrimstr("-dirty"))'
}
files() { (cd "$1" && find . -printf '%p %y %m %U:%G\n' | sort); }
like() { diff "$1" "$2" || { echo "the image of the Dockerfile (<) and that of the packages (>) differ" >&2 && return 1; }; }
like <(settings localhost/lsapi:check) <(settings "$packaged")
like <(files "$root") <(files "$packaged_root")

# free: prints a free port.
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
aws=$(free) service=$(free)
# As its user, and with nothing but what is in the image.
chroot=$(command -v chroot)
# The process takes the place of the shell, so that it is what is ended later.
inside() { exec env -i "${environment[@]}" "$chroot" --userspec=65532:65532 "$root" /lsapi "$@"; }
environment=()
inside emulator --listen "127.0.0.1:$aws" >"$work/emulator.log" 2>&1 &
running+=($!)
environment=(API_TOKEN=ZGVtbzpkZW1v AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test "AWS_ENDPOINT_URL=http://127.0.0.1:$aws" STATE_DIRECTORY=/state "LISTEN=127.0.0.1:$service")
inside serve >"$work/lsapi.log" 2>&1 &
running+=($!)
for _ in $(seq 100); do
  if (inside healthcheck) >/dev/null 2>&1; then
    answer=$(curl -fsS -u demo:demo "http://127.0.0.1:$service/elb/default-elb")
    [[ $answer == *i-0592fe5ccee879f04* ]] || { echo "it answers $answer" >&2; exit 1; }
    [ -e "$root/state/lsapi.db" ] || { echo "its record is not in /state" >&2; exit 1; }
    echo "the image holds $((size >> 20)) MiB, and what is in it serves"
    exit 0
  fi
  sleep 0.2
done
cat "$work/lsapi.log" >&2
echo "what is in the image does not serve" >&2
exit 1
