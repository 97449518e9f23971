#!/usr/bin/env bash
# The first minute on a bare machine: a Debian root file system with nothing but the distribution's nodejs and npm (and curl
# as a client), in namespaces of its own. What is done there stands in first-minute.sh; a table of seconds is printed.
#   test/bare/run.sh [--limit SECONDS] [SUITE…]     trixie (Debian 13) and bookworm (Debian 12) unless told
# Needs root, mmdebstrap, the package registries and an installed checkout. Ends with 77 and a sentence where it cannot be done,
# or not in time.
set -euo pipefail
cd "$(dirname "$0")/../.."

limit=3600
[ "${1:-}" != --limit ] || { limit=$2; shift 2; }
suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(trixie bookworm)

leave_out() { echo "The bare machine is left out: $1." >&2; exit 77; }
[ "$(id -u)" = 0 ] || leave_out 'only root can make its root file system'
command -v mmdebstrap >/dev/null || leave_out 'mmdebstrap is not installed'
unshare --mount --pid --fork true 2>/dev/null || leave_out 'this machine makes no namespaces'
node=$PWD/node_modules/.bin/node
[ -x "$node" ] || leave_out 'npm ci was not run here'

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
# Until the time is over, and not longer: 124 from what was cut short.
bounded() {
  local left=$((limit - SECONDS))
  [ $left -gt 0 ] || return 124
  timeout --signal="${SIGNAL:-TERM}" --kill-after=5 "$left" "$@"
}
in_time() { [ "$1" != 124 ] && [ "$1" != 137 ] || leave_out "it takes longer than $limit s here"; }

make_root() {
  local ended=0
  bounded mmdebstrap --quiet --variant=apt --include=ca-certificates,nodejs,npm,curl,libatomic1 \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    "$1" "$2" >"$work/log" 2>&1 </dev/null || ended=$?
  in_time $ended
  [ $ended = 0 ] || leave_out "no root file system of $1 could be made: $(tail -n 1 "$work/log")"
  # As an installer writes it; the names and authorities are those of this machine.
  printf '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n' >"$2/etc/hosts"
  cp /etc/resolv.conf "$2/etc/resolv.conf"
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp /etc/ssl/certs/ca-certificates.crt "$2/etc/ssl/certs/"
}

# What a clone has; and what is handed on: the package and the executable.
"$node" scripts/build-package.ts --dir "$work/package" >/dev/null
"$node" scripts/build-executable.ts --dir "$work/executable" >/dev/null
npm pack --silent --pack-destination "$work" "$work/package" >/dev/null
git ls-files -z --cached --others --exclude-standard | { grep -zvx node_modules || true; } |
  tar --null --ignore-failed-read -cf "$work/clone.tar" -T - 2>/dev/null

table="$work/table"
failed=0
for suite in "${suites[@]}"; do
  root="$work/$suite"
  make_root "$suite" "$root"
  mkdir -p "$root/root/app" "$root/root/handed" "$root/root/.npm"
  tar -xf "$work/clone.tar" -C "$root/root/app"
  cp "$work"/*.tgz "$work/executable/binance-signing-proxy" "$root/root/handed/"
  ended=0
  # Killed at once with all that runs in it: what is cut short must not go on to report failures.
  SIGNAL=KILL bounded unshare --mount --pid --fork --kill-child sh -c '
    mount -t proc proc "$0/proc"
    [ ! -d "$1" ] || mount --bind "$1" "$0/root/.npm" # what is downloaded once need not be downloaded again
    exec chroot "$0" env -i HOME=/root PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8 \
      NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt FULL="$2" sh /root/app/test/bare/first-minute.sh' \
    "$root" "$(npm config get cache)" "${FULL:-}" </dev/null >"$work/seen" || ended=$?
  sed -n "s/^step /$suite /p" "$work/seen" >>"$table"
  grep -v '^step ' "$work/seen" || true
  in_time $ended
  [ $ended = 0 ] || failed=1
  rm -rf --one-file-system "$root"
done
printf '\n%-9s %-11s %-40s %8s\n' machine way step seconds
awk '{ printf "%-9s %-11s %-40s %8.1f\n", $1, $2, substr($0, index($0, $4)), $3 }' "$table"
exit $failed
