#!/usr/bin/env bash
# The image by BuildKit beside the one that is there, by the classic builder, and the build of this machine: their dist/ has to
# be the same, byte for byte. Says so when no client here speaks BuildKit.
# Usage: test/image/builders.sh WORK_FOLDER, with DOCKER_HOST of an engine that has the image binance-signing-proxy.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$1

# Newer clients need the plugin buildx for it, older ones have it inside: whichever is on the path.
built=
for client in $(type -ap docker | sort -u); do
  if DOCKER_BUILDKIT=1 "$client" build --network host -t built-by-buildkit . >"$work/buildkit.log" 2>&1; then
    built=$client
    break
  fi
done
test/image/same-dist.sh docker binance-signing-proxy
if [ -z "$built" ]; then
  echo "left out: no docker client here builds with BuildKit ($(tail -n 1 "$work/buildkit.log"))"
  exit 0
fi
grep -qE '^#[0-9]+ ' "$work/buildkit.log" || { echo "FAIL $built did not build with BuildKit" >&2; exit 1; }
test/image/same-dist.sh docker built-by-buildkit
echo "ok   BuildKit ($("$built" version -f '{{.Client.Version}}')) and the classic builder give the same dist/"
