# A Docker daemon of its own: sourced by ci.sh. Sets work, DOCKER_HOST and DOCKER_CONFIG, has start_daemon and stop_daemon, and takes
# everything down when the script ends: processes, mounts, networks and cgroups.

work=$(mktemp -d "${TMPDIR:-/tmp}/image-test.XXXXXX")
# In memory where there is plenty: thousands of files are written and thrown away.
if [ "$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)" -ge 8 ]; then
  mount -t tmpfs -o size=6g,mode=0700 image-test "$work" 2>/dev/null || say "no memory is given for files: this takes longer"
fi
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
  ! mountpoint -q "$work" || umount -l "$work"
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
