#!/usr/bin/env bash
# Holds the dist/ of an image to what `npm run build` writes on this machine: the same files with the same bytes.
# Usage: test/image/same-dist.sh ENGINE IMAGE
set -euo pipefail
cd "$(dirname "$0")/../.."

engine=$1
image=$2
work=$(mktemp -d)
container=
cleanup() {
  [ -z "$container" ] || "$engine" rm -f "$container" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
sums_of() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

node_modules/.bin/node scripts/build.ts --dir "$work/host" >/dev/null
container=$("$engine" create "$image")
"$engine" cp "$container:/app/dist" "$work/image" >/dev/null
sums_of "$work/host" >"$work/host.sums"
sums_of "$work/image" >"$work/image.sums"
if ! diff "$work/host.sums" "$work/image.sums" >&2; then
  echo "FAIL the dist/ of $image is not what is built on this machine" >&2
  exit 1
fi
echo "ok   its dist/ is what this machine builds ($(wc -l <"$work/host.sums") files, $(sha256sum <"$work/host.sums" | cut -c1-16))"
