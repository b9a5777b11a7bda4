#!/usr/bin/env bash
# Builds the service from its repository and puts it in the place of the one that runs.
# While anything can still go wrong, the old one serves, or is started again.
set -euo pipefail

usage() {
  cat <<'END'
Builds the service from its repository and puts it in the place of the one that runs.

Usage: builder.sh [--repository URL] [--ref REF] [--env-file FILE] [--port PORT]
                  [--state STATE]
       builder.sh rollback [--env-file FILE] [--port PORT] [--state STATE]
       builder.sh restart [--env-file FILE] [--port PORT] [--state STATE]
       builder.sh --help

rollback goes back to the image before this one; restart starts this one again, with
what ENV_FILE holds now.

Settings, by flag or environment:
  REPOSITORY_URL  what is cloned; required, except to roll back or restart
  REPOSITORY_REF  branch, tag or commit (main)
  ENV_FILE        the service's settings, readable by its owner only (/root/.env)
  PORT            where it serves (8000); the port above it is tried out on
  STATE           Docker volume or folder of the record (lsapi-state); a folder must exist
  FILES_FOLDER    files that settings name, mounted if it exists (/etc/lsapi)

Exit status: 0 done, 2 wrong usage or settings, 3 no Docker, 4 the repository or the
ref cannot be had, 5 the image cannot be built, 6 the new one does not become healthy
beside the old one, 7 the swap failed and the old one serves again, 8 it does not.
END
}

readonly name=lsapi candidate=lsapi-candidate previous=lsapi-previous
# The folder of the service's files, such as a policy, which the container may read.
readonly files=${FILES_FOLDER:-/etc/lsapi}
# How long a container may take to be healthy, in seconds.
readonly patience=${HEALTH_PATIENCE:-60}

fail() {
  local status=$1
  shift
  echo "builder: $*" >&2
  exit "$status"
}

settings() {
  command=deploy
  repository=${REPOSITORY_URL:-} ref=${REPOSITORY_REF:-main} env_file=${ENV_FILE:-/root/.env} port=${PORT:-8000}
  state=${STATE:-lsapi-state}
  case ${1:-} in
    rollback | restart)
      command=$1
      shift
      ;;
  esac
  while [ $# -gt 0 ]; do
    if [ "$1" = --help ] || [ "$1" = -h ]; then
      usage
      exit 0
    fi
    [ $# -gt 1 ] || fail 2 "$1 wants a value; --repository, --ref, --env-file, --port and --state are known"
    case $1 in
      --repository) repository=$2 ;;
      --ref) ref=$2 ;;
      --env-file) env_file=$2 ;;
      --port) port=$2 ;;
      --state) state=$2 ;;
      *) fail 2 "there is no $1; there are --repository, --ref, --env-file, --port and --state, and rollback and restart" ;;
    esac
    shift 2
  done
  if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || [ "$port" -gt 65534 ]; then
    fail 2 "--port: $port is no port below 65535"
  fi
  [[ $ref =~ ^[A-Za-z0-9][A-Za-z0-9._/-]*$ ]] || fail 2 "--ref: $ref is no branch, tag or commit"
  # Docker would make a missing folder, and the service would start a record in it.
  if [[ $state = /* ]]; then
    [ -d "$state" ] || fail 2 "--state: there is no folder $state"
  elif ! [[ $state =~ ^[A-Za-z0-9][A-Za-z0-9_.-]*$ ]]; then
    fail 2 "--state: $state is neither a Docker volume nor an absolute path"
  fi
  [ "$command" != deploy ] || [ -n "$repository" ] || fail 2 "which repository? Give --repository or REPOSITORY_URL"
}

check_env_file() {
  [ -f "$env_file" ] || fail 2 "$env_file does not exist: it holds the service's settings, API_TOKEN first of all"
  local mode
  mode=$(stat -c %a "$env_file")
  [ $((0$mode & 077)) -eq 0 ] || fail 2 "$env_file holds secrets and others can read it: chmod 600 $env_file"
  grep -Eq '^(API_TOKEN|API_TOKEN_FILE|USERS_FILE)=.' "$env_file" || fail 2 "$env_file sets no API_TOKEN"
  local listen
  listen=$(sed -n 's/^LISTEN=//p' "$env_file" | tail -n 1)
  case $listen in
    '' | :8000 | 0.0.0.0:8000 | '[::]:8000') ;;
    *) fail 2 "$env_file sets LISTEN=$listen, which the published port does not reach: leave it out, and give --port" ;;
  esac
}

# lock: one builder at a time, by the folder of the settings. A second one waits.
lock() {
  command -v flock >/dev/null || return 0
  exec 9<"$(dirname "$env_file")"
  flock -n 9 || { echo "builder: another one runs; waiting for its end" >&2 && flock 9; }
}

check_docker() {
  command -v docker >/dev/null || fail 3 "Docker is not installed"
  command -v curl >/dev/null || fail 3 "curl is not installed"
  docker info >/dev/null 2>&1 || fail 3 "Docker does not answer: is it running, and may you use it?"
}

# exists NAME: whether there is a container of the name. That Docker does not say is
# not taken for a no.
exists() {
  local all
  all=$(docker ps --all --format '{{.Names}}') || fail 7 "Docker does not say which containers there are; what runs is untouched"
  grep -Fxq -- "$1" <<<"$all"
}
remove() { ! exists "$1" || docker rm --force "$1" >/dev/null; }

# start NAME IMAGE PORT...: the service in a container of that name.
start() {
  local mounts=() restart=unless-stopped
  [ "$1" != "$candidate" ] || restart=no # a reboot ends it
  [ ! -d "$files" ] || mounts=(--volume "$files:$files:ro")
  docker run --detach --name "$1" --restart "$restart" --env-file "$env_file" \
    --volume "$state:/state" ${mounts[@]+"${mounts[@]}"} --publish "$3:8000" \
    --log-opt max-size=10m --log-opt max-file=5 --stop-timeout 60 "$2" >/dev/null
}

# healthy NAME PORT: waits until the service in it answers, also at the published port.
healthy() {
  local end=$((SECONDS + patience))
  until docker exec "$1" /lsapi healthcheck >/dev/null 2>&1 &&
    curl -fsS -o /dev/null --noproxy '*' --max-time 5 "http://127.0.0.1:$2/healthcheck" 2>/dev/null; do
    [ $SECONDS -lt $end ] || return 1
    sleep 1
  done
}

# clean_up: also when a session ends or a person interrupts it. A candidate that stays would take the
# record over when the service stops.
work='' trying=''
clean_up() {
  [ -z "$work" ] || rm -rf "$work"
  [ -z "$trying" ] || docker rm --force "$candidate" >/dev/null 2>&1 || true
}

build() {
  work=$(mktemp -d) || fail 4 "no folder can be made for the repository: is the disk full?"
  git clone --quiet -- "$repository" "$work/source" || fail 4 "$repository cannot be cloned"
  git -C "$work/source" checkout --quiet "$ref" 2>/dev/null ||
    fail 4 "$repository has no $ref"
  commit=$(git -C "$work/source" rev-parse --short=12 HEAD)
  image=lsapi:$commit
  docker build --quiet --build-arg "VERSION=$ref" --build-arg "COMMIT=$commit" --tag "$image" "$work/source" >/dev/null ||
    fail 5 "the image of $commit cannot be built; what runs is untouched"
}

# try_out: the new one beside the old one, on the same volume, where it is a standby
# until the old one stops.
try_out() {
  remove "$candidate"
  trying=yes
  if ! start "$candidate" "$image" "127.0.0.1:$((port + 1))" || ! healthy "$candidate" "$((port + 1))"; then
    docker logs --tail 20 "$candidate" >&2 || true
    remove "$candidate" || true
    fail 6 "$image does not become healthy; what runs is untouched"
  fi
  docker rm --force "$candidate" >/dev/null || fail 6 "the container that was tried out cannot be removed; what runs is untouched"
  trying=
}

# put_back: the old container, as it was.
put_back() {
  docker rm --force "$name" >/dev/null 2>&1 || true
  docker rename "$previous" "$name" || true
  if docker start "$name" >/dev/null && healthy "$name" "$port"; then
    fail 7 "$1; the old one serves again"
  fi
  fail 8 "$1, and the old one does not come up: docker logs $name"
}

# swap: the old container stops and stays until the new one is healthy in its place.
swap() {
  trap '' HUP INT TERM # it takes some seconds, and half of it is no service
  if ! exists "$name"; then
    start "$name" "$image" "$port" || fail 6 "$image cannot be started, and nothing ran before"
    healthy "$name" "$port" || fail 6 "$image does not become healthy, and nothing ran before: docker logs $name"
    return
  fi
  local before
  before=$(docker inspect --format '{{.Image}}' "$name") || fail 7 "the container $name cannot be looked at; it still serves"
  remove "$previous" || fail 7 "the container $previous of an earlier run is in the way; the old one still serves"
  docker rename "$name" "$previous" || fail 7 "the old container cannot be renamed; it still serves"
  docker stop "$previous" >/dev/null || put_back "the old container cannot be stopped"
  start "$name" "$image" "$port" || put_back "$image cannot be started"
  healthy "$name" "$port" || put_back "$image is not healthy in its place"
  [ "$command" = restart ] || docker tag "$before" lsapi:previous || echo "builder: the old image cannot be kept for a rollback" >&2
  docker rm "$previous" >/dev/null || echo "builder: the old container $previous could not be removed" >&2
}

main() {
  settings "$@"
  check_docker
  check_env_file
  lock
  trap clean_up EXIT
  case $command in
    rollback)
      image=lsapi:previous
      docker image inspect "$image" >/dev/null 2>&1 || fail 2 "there is no image to roll back to"
      remove "$candidate" || fail 7 "the container $candidate of an earlier run is in the way; what runs is untouched"
      ;;
    restart)
      exists "$name" || fail 2 "there is nothing to restart"
      image=$(docker inspect --format '{{.Config.Image}}' "$name") || fail 7 "the container $name cannot be looked at; it still serves"
      try_out
      ;;
    deploy)
      build
      try_out
      ;;
  esac
  swap
  echo "$image serves at port $port"
}

main "$@"
