#!/usr/bin/env bash
# The image and the compose files on a real engine, from nothing: a Docker daemon of its own, the base images made on this
# machine, the build, and everything that runs in a network that leads nowhere. Leaves nothing behind: no process, mount,
# network or cgroup. Where no engine can be had it says why and ends with 0; a defect of the image ends with 1.
# Usage: test/image/ci.sh [short|builders|figures]
#   short     the image without the compose files: what two cores have time for
#   builders  the build by BuildKit too, which has to give the same bytes
#   figures   measures what docs/operations.md tells of the image, in about six minutes
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { echo "image test: $*"; }
left_out() { say "LEFT OUT, the image was not tried: $*"; exit 0; }
part=${1:-all}
case $part in
  all | short | builders | figures) ;;
  *) echo "there is no part $part: say short, builders, figures, or nothing" >&2; exit 64 ;;
esac

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

. test/image/engine.sh

# Building needs the machine's network, for npm alone.
start_daemon "$work/building.log" -- --bridge=none --iptables=false || left_out "no daemon starts here"
say "a daemon runs after $SECONDS s ($(docker version -f '{{.Server.Version}}'), $(docker info -f '{{.Driver}}'))"
compose=
[ "$part" = all ] && compose=with-compose
test/image/bases.sh "$work/bases" $compose >"$work/bases.log" 2>&1 ||
  { tail -n 3 "$work/bases.log" >&2; left_out "the base images cannot be made"; }
say "the base images are made after $SECONDS s"
if ! docker build --network host -t binance-signing-proxy . >"$work/build.log" 2>&1; then
  grep -qE 'npm error (code|errno) (E[A-Z]+|SELF_SIGNED|UNABLE)' "$work/build.log" && left_out "npm cannot be reached from a build"
  tail -n 20 "$work/build.log" >&2
  say "FAIL: the image cannot be built"
  exit 1
fi
say "the image is built after $SECONDS s"
if [ "$part" = builders ]; then
  test/image/builders.sh "$work"
  say "passed after $SECONDS s"
  exit 0
fi
if [ "$part" = all ]; then
  docker build --network host --target debug -t binance-signing-proxy:debug . >"$work/build.log" 2>&1 ||
    { tail -n 20 "$work/build.log" >&2; say "FAIL: the target debug cannot be built"; exit 1; }
fi
stop_daemon

# Running happens in a network of its own that has no way out.
unshare --net sleep 900 &
holder=$!
inside=(nsenter --net="/proc/$holder/ns/net")
for _ in $(seq 50); do
  [ "$(readlink "/proc/$holder/ns/net")" != "$(readlink /proc/self/ns/net)" ] && break
  sleep 0.1
done
"${inside[@]}" ip link set lo up
start_daemon "$work/running.log" "${inside[@]}" -- || left_out "no daemon starts in a network namespace"

if [ "$part" = figures ]; then
  base=$(sed -n 's/^ARG RUNTIME_IMAGE=//p' Dockerfile)
  "${inside[@]}" timeout 600 node_modules/.bin/node bench/image/figures.ts binance-signing-proxy "$base"
  exit 0
fi
IMAGE=binance-signing-proxy test/image/run.sh docker
if [ "$part" = all ]; then
  docker run --rm --network none --entrypoint bash binance-signing-proxy:debug -c true || { say "FAIL: the target debug has no shell"; exit 1; }
  docker run --rm --network none binance-signing-proxy:debug --version >/dev/null || { say "FAIL: the target debug does not run"; exit 1; }
fi
[ "$part" = short ] || "${inside[@]}" test/image/compose.sh "$work"
say "passed after $SECONDS s"
