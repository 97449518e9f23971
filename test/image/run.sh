#!/usr/bin/env bash
# Builds the image and holds it to its contract on a container engine: read-only, not root, without capabilities and
# without a shell; it serves, refuses, and stops on SIGTERM within its grace. Usage: test/image/run.sh [docker|podman]
set -euo pipefail
cd "$(dirname "$0")/../.."

engine=${1:-docker}
if ! "$engine" version >/dev/null 2>&1; then
  echo "no container engine answers to \"$engine\": nothing was tried" >&2
  exit 77
fi

image=binance-signing-proxy:contract
name=signing-proxy-contract-$$
work=$(mktemp -d)
cleanup() {
  "$engine" rm -f "$name" >/dev/null 2>&1 || true
  "$engine" volume rm -f "$name" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
pass() { echo "ok   $1"; }
fail() { echo "FAIL $1" >&2; exit 1; }

"$engine" build --quiet -t "$image" . >/dev/null
pass "builds ($("$engine" image inspect -f '{{.Size}}' "$image") bytes)"
[ "$("$engine" image inspect -f '{{.Config.User}}' "$image")" = 65532:65532 ] || fail "does not run as 65532"
if "$engine" run --rm --entrypoint /bin/sh "$image" -c true >/dev/null 2>&1; then fail "has a shell"; fi
pass "is not root and has no shell"
"$engine" run --rm "$image" demo | grep 'withdrawals there: 0' >/dev/null || fail "does not play the demo"
pass "plays the demo"

hardened=(--read-only --cap-drop ALL --security-opt no-new-privileges --pids-limit 64 --memory 256m --ulimit core=0)
set +e
"$engine" run --rm "${hardened[@]}" "$image" >"$work/out" 2>&1
code=$?
set -e
[ "$code" = 78 ] || fail "without a credential it ended with $code instead of 78"
grep -q 'BINANCE_API_KEY' "$work/out" || fail "does not say what to set"
grep -q 'no client key' "$work/out" || fail "listens to other machines without a client key"
pass "refuses to start without credential and client key (78)"

mkdir "$work/secrets"
for secret in api_key api_secret client_key; do
  head -c 48 /dev/urandom | base64 | tr -dc 'A-Za-z0-9' >"$work/secrets/$secret"
done
chmod -R a+rX "$work"
# No way out: what it shows here is that it serves, refuses and stops without Binance too.
"$engine" run -d --name "$name" "${hardened[@]}" --network none \
  -v "$work/secrets:/run/secrets:ro" -v "$name:/var/lib/binance-proxy" \
  -e BINANCE_PROXY_ENVIRONMENT=testnet -e BINANCE_PROXY_AUDIT_DIR=/var/lib/binance-proxy/audit \
  -e BINANCE_API_KEY_FILE=/run/secrets/api_key -e BINANCE_API_SECRET_FILE=/run/secrets/api_secret \
  -e BINANCE_PROXY_CLIENT_KEY_FILE=/run/secrets/client_key "$image" >/dev/null
for _ in $(seq 60); do
  "$engine" logs "$name" 2>&1 | grep -q '"proxy.started"' && break
  sleep 0.5
done
"$engine" logs "$name" 2>&1 | grep -q '"proxy.started"' || fail "did not start read-only"
pass "starts read-only, without capabilities, with a volume for its state"

ask() {
  "$engine" exec "$name" /nodejs/bin/node -e "
    require('node:http').get({ host: '127.0.0.1', port: $1, path: '$2', headers: { $3 } }, (answer) => {
      console.log(answer.statusCode, answer.headers['x-proxy-error'] ?? '');
      answer.resume();
    });"
}
[ "$(ask 8081 /livez)" = "200 " ] || fail "/livez"
[ "$(ask 8081 /readyz)" = "503 " ] || fail "/readyz is ready without Binance"
[ "$(ask 8080 /api/v3/account)" = "401 PROXY_UNKNOWN_CLIENT" ] || fail "lets a caller without a key in"
[ "$(ask 8080 /sapi/v1/capital/withdraw/apply)" = "403 PROXY_DENYLISTED" ] || fail "does not refuse a withdrawal"
[ "$(ask 8080 /api/v3/time "origin: 'https://example.com'")" = "403 PROXY_BROWSER_REFUSED" ] || fail "serves browsers"
pass "serves health, refuses keyless callers, browsers and withdrawals"

resident=$("$engine" exec "$name" /nodejs/bin/node -p "
  Math.round(/VmRSS:\\s+(\\d+)/.exec(require('node:fs').readFileSync('/proc/1/status', 'utf8'))[1] / 1024)")
[ "$resident" -lt 90 ] || fail "takes $resident MB when idle"
pass "takes $resident MB when idle"

for secret in "$work"/secrets/*; do
  if { "$engine" logs "$name"; "$engine" inspect "$name"; } 2>&1 | grep -qF "$(cat "$secret")"; then
    fail "shows $(basename "$secret")"
  fi
done
pass "shows no secret in log and inspection"

begin=$(date +%s)
"$engine" stop -t 15 "$name" >/dev/null
[ "$(($(date +%s) - begin))" -lt 15 ] || fail "had to be killed"
[ "$("$engine" inspect -f '{{.State.ExitCode}}' "$name")" = 0 ] || fail "did not end with 0"
pass "stops on SIGTERM within its grace, with 0"
