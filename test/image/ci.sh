#!/usr/bin/env bash
# The image and the compose files on a real engine, from nothing: a Docker daemon of its own, the base images made on this
# machine, the build, and everything that runs in a network that leads nowhere. Leaves nothing behind: no process, mount,
# network or cgroup. Where no engine can be had it says why and ends with 0; a defect of the image ends with 1.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { echo "image test: $*"; }
left_out() { say "LEFT OUT, the image was not tried: $*"; exit 0; }

if [ "$(id -u)" != 0 ]; then
  sudo -n true 2>/dev/null || left_out "a daemon needs root, and sudo asks for a password"
  exec sudo -n env "PATH=$PATH" "$0" "$@"
fi
[ "$(uname -s)" = Linux ] || left_out "this is not Linux"
command -v apt-get >/dev/null || left_out "this is not Debian"
[ -x node_modules/.bin/node ] || left_out "npm ci comes first"

is_missing() {
  local program
  for program in "$@"; do command -v "$program" >/dev/null || return 0; done
  return 1
}
programs=(dockerd docker containerd runc mmdebstrap iptables ip nsenter unshare openssl)
if is_missing "${programs[@]}"; then
  say "installing docker.io and mmdebstrap"
  packages=(docker.io mmdebstrap iptables iproute2 util-linux openssl ca-certificates debian-archive-keyring)
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"; } \
    >/dev/null 2>&1 || left_out "docker.io and mmdebstrap cannot be installed"
fi

work=$(mktemp -d /tmp/image-test.XXXXXX)
cgroup=image-test-$$
holder=
daemon=
stop_daemon() {
  [ -n "$daemon" ] || return 0
  docker ps -aq 2>/dev/null | xargs -r docker rm -f >/dev/null 2>&1 || true
  kill -TERM "$daemon" 2>/dev/null || true
  for _ in $(seq 100); do
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.2
  done
  kill -KILL "$daemon" 2>/dev/null || true
  wait "$daemon" 2>/dev/null || true
  daemon=
}
cleanup() {
  local code=$?
  trap '' TERM INT
  stop_daemon
  [ -z "$holder" ] || kill "$holder" 2>/dev/null || true
  grep -o " $work/[^ ]*" /proc/self/mounts | sort -r | xargs -r umount -l 2>/dev/null || true
  find /sys/fs/cgroup -depth -type d -path "*/$cgroup*" -exec rmdir {} + 2>/dev/null || true
  rm -rf --one-file-system "$work"
  say "ended after $SECONDS s"
  exit "$code"
}
trap cleanup EXIT
trap 'exit 143' TERM INT

export DOCKER_HOST=unix://$work/docker.sock DOCKER_CONFIG=$work/config DOCKER_BUILDKIT=0
# start_daemon LOG [COMMAND BEFORE IT…] -- [OPTION…]
start_daemon() {
  local log=$1 before=()
  shift
  while [ "$1" != -- ]; do before+=("$1"); shift; done
  shift
  rm -f "$work/docker.sock"
  "${before[@]}" dockerd --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/docker.pid" \
    --host "$DOCKER_HOST" --cgroup-parent "/$cgroup" "$@" >"$log" 2>&1 &
  daemon=$!
  for _ in $(seq 150); do
    docker version >/dev/null 2>&1 && return 0
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.2
  done
  tail -n 2 "$log" >&2
  return 1
}

# Building needs the machine's network, for npm alone.
start_daemon "$work/building.log" -- --bridge=none --iptables=false || left_out "no daemon starts here"
say "a daemon runs after $SECONDS s ($(docker version -f '{{.Server.Version}}'), $(docker info -f '{{.Driver}}'))"
test/image/bases.sh "$work/bases" >"$work/bases.log" 2>&1 ||
  { tail -n 3 "$work/bases.log" >&2; left_out "the base images cannot be made"; }
say "the base images are made after $SECONDS s"
if ! docker build --network host -t binance-signing-proxy . >"$work/build.log" 2>&1; then
  grep -qE 'npm error (code|errno) (E[A-Z]+|SELF_SIGNED|UNABLE)' "$work/build.log" && left_out "npm cannot be reached from a build"
  tail -n 20 "$work/build.log" >&2
  say "FAIL: the image cannot be built"
  exit 1
fi
say "the image is built after $SECONDS s"
stop_daemon

# Running happens in a network of its own that has no way out.
unshare --net sleep 600 &
holder=$!
inside=(nsenter --net="/proc/$holder/ns/net")
for _ in $(seq 50); do
  [ "$(readlink "/proc/$holder/ns/net")" != "$(readlink /proc/self/ns/net)" ] && break
  sleep 0.1
done
"${inside[@]}" ip link set lo up
start_daemon "$work/running.log" "${inside[@]}" -- || left_out "no daemon starts in a network namespace"

IMAGE=binance-signing-proxy test/image/run.sh docker
"${inside[@]}" test/image/compose.sh "$work"
say "passed after $SECONDS s"
