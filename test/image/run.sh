#!/usr/bin/env bash
# Holds the image to its contract on a container engine: read-only, not root, without capabilities and without a shell; it
# serves, refuses, and stops on SIGTERM within its grace. It builds the image first unless IMAGE names one.
# Usage: [IMAGE=name] test/image/run.sh [docker|podman]
set -euo pipefail
cd "$(dirname "$0")/../.."

engine=${1:-docker}
if ! "$engine" version >/dev/null 2>&1; then
  echo "no container engine answers to \"$engine\": nothing was tried" >&2
  exit 77
fi

image=${IMAGE:-binance-signing-proxy:contract}
name=signing-proxy-contract-$$
work=$(mktemp -d)
cleanup() {
  "$engine" rm -f "$name" "$name-exchange" "$name-signs" >/dev/null 2>&1 || true
  "$engine" volume rm -f "$name" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
pass() { echo "ok   $1"; }
fail() { echo "FAIL $1" >&2; exit 1; }

if [ -z "${IMAGE:-}" ]; then "$engine" build --quiet -t "$image" . >/dev/null; fi
pass "is built ($("$engine" image inspect -f '{{.Size}}' "$image") bytes)"
# What `npm ci` brought builds the same here; a machine with an engine alone has nothing to compare.
if [ -x node_modules/.bin/node ]; then test/image/same-dist.sh "$engine" "$image"; fi
[ "$("$engine" image inspect -f '{{.Config.User}}' "$image")" = 65532:65532 ] || fail "does not run as 65532"
if "$engine" run --rm --network none --entrypoint /bin/sh "$image" -c true >/dev/null 2>&1; then fail "has a shell"; fi
pass "is not root and has no shell"
modes=$("$engine" run --rm --network none --entrypoint /nodejs/bin/node "$image" -p "
  ['/var/lib/binance-proxy', '/run/binance-proxy'].map((path) => fs.statSync(path))
    .map(({ uid, mode }) => uid + ':' + (mode & 0o7777).toString(8)).join(' ')")
[ "$modes" = "65532:700 65532:700" ] || fail "its own folders are $modes"
pass "keeps its two folders to itself (0700)"
"$engine" run --rm --network none "$image" demo >"$work/demo" 2>&1 || fail "does not play the demo"
grep -q 'withdrawals there: 0' "$work/demo" || fail "lets a withdrawal pass in the demo"
pass "plays the demo"
"$engine" run --rm --network none "$image" client new bot >"$work/pair" 2>/dev/null || fail "issues no client key"
grep -qE '^BOT_CLIENT_KEY=\w{64}$' "$work/pair" || fail "issues a client key of another shape"
pass "issues client keys"
# The line of docs/operations.md, without its questions, in a folder of a user who is neither root nor the image's.
awk '/^```sh$/ { block = ""; inside = 1; next } /^```$/ { if (block ~ / init\n$/) printf "%s", block; inside = 0 } inside { block = block $0 "\n" }' \
  docs/operations.md | sed "s/\bdocker run\b/$engine run/; s/ -it / /; s/\$(id -u):\$(id -g)/1234:1234/; s/\bbinance-signing-proxy\b/\"\$image\"/; \
    s/ init\$/ init --yes --environment simulator --library curl/" >"$work/init.sh"
[ "$(grep -c ' init --yes ' "$work/init.sh")" = 1 ] || fail "docs/operations.md has no line for init in the image"
mkdir "$work/new"
chmod 711 "$work"
chown 1234:1234 "$work/new" 2>/dev/null || chmod 777 "$work/new"
(cd "$work/new" && image=$image bash -e "$work/init.sh") >"$work/init" 2>&1 || { tail -n 5 "$work/init" >&2; fail "init does not run in the image as documented"; }
[ "$(cd "$work/new" && stat -c %u:%a .env config/proxy.yaml | tr '\n' ' ')" = '1234:600 1234:600 ' ] || fail "init writes no files of its user alone"
pass "sets a folder up by init, as documented"

hardened=(--read-only --cap-drop ALL --security-opt no-new-privileges --pids-limit 64 --memory 256m --ulimit core=0)
set +e
"$engine" run --rm --network none "${hardened[@]}" "$image" >"$work/out" 2>&1
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
for _ in $(seq 120); do
  "$engine" logs "$name" 2>&1 | grep '"proxy.started"' >/dev/null && break
  sleep 0.5
done
"$engine" logs "$name" 2>&1 | grep '"proxy.started"' >/dev/null || fail "did not start read-only"
pass "starts read-only, without capabilities, with a volume for its state"
check=$("$engine" inspect -f '{{if .Config.Healthcheck}}{{.Config.Healthcheck.Interval}}{{end}}' "$name")
# An engine that keeps no health check of images (podman's own format) gets it from the compose file.
[ -z "$check" ] || [ "$check" = 2s ] || fail "is asked for its health every $check"

# The embedded exchange in the network of the container: an app's call is judged, recorded, signed, sent and answered.
tried=(-e BINANCE_PROXY_ENVIRONMENT=simulator -e BINANCE_API_KEY=key-that-opens-the-simulator-alone
  -e BINANCE_API_SECRET=secret-that-opens-the-simulator-alone)
# A folder instead of a named volume, made as documented where this user may.
folder=(--tmpfs /var/lib/binance-proxy:uid=65532,gid=65532,mode=0700)
if [ "$(id -u)" = 0 ]; then
  $(grep -o 'install -d [-0-9a-z ]* FOLDER' docs/operations.md | sed "s|FOLDER|$work/folder|")
  folder=(-v "$work/folder:/var/lib/binance-proxy")
fi
"$engine" run -d --name "$name-signs" "${hardened[@]}" --network none "${folder[@]}" \
  "${tried[@]}" -e BINANCE_PROXY_AUDIT_DIR=/var/lib/binance-proxy/audit \
  -e BINANCE_PROXY_CLIENT_KEY=issued-key-for-trying-that-opens-nothing-else "$image" >/dev/null
"$engine" run -d --name "$name-exchange" "${hardened[@]}" --network "container:$name-signs" "${tried[@]}" "$image" simulator >/dev/null
signed=
for _ in $(seq 60); do
  signed=$("$engine" exec "$name-signs" /nodejs/bin/node -e "
    const headers = { 'x-mbx-apikey': 'issued-key-for-trying-that-opens-nothing-else' };
    fetch('http://127.0.0.1:8080/api/v3/account', { headers })
      .then(async (answer) => console.log(answer.status, typeof (await answer.json()).canTrade), () => {})" 2>/dev/null || true)
  [ "$signed" = '200 boolean' ] && break
  sleep 0.5
done
[ "$signed" = '200 boolean' ] || fail "a signed call was answered with ${signed:-nothing}"
"$engine" exec "$name-signs" /nodejs/bin/node dist/program/main.js audit show /var/lib/binance-proxy/audit --event call.completed >"$work/records" 2>&1 ||
  { tail -n 5 "$work/records" >&2; fail "the records of the signed call cannot be shown"; }
grep -q '/api/v3/account' "$work/records" || fail "the signed call has no record"
pass "signs a call of an app, sends it and records it"

# ask PORT PATH [HEADER]
ask() {
  "$engine" exec "$name" /nodejs/bin/node -e "
    require('node:http').get({ host: '127.0.0.1', port: $1, path: '$2', headers: { ${3:-} } }, (answer) => {
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

"$engine" kill -s HUP "$name" >/dev/null
for _ in $(seq 60); do
  "$engine" logs "$name" 2>&1 | grep '"config.loaded"' >/dev/null && break
  sleep 0.5
done
"$engine" logs "$name" 2>&1 | grep '"config.loaded"' >/dev/null || fail "does not read its secrets again after a HUP of the engine"
pass "reads secrets again after a HUP of the engine"

# Its own memory: what else is resident are pages of files, of which the kernel keeps as many as it likes.
own=$("$engine" exec "$name" /nodejs/bin/node -p "
  Math.round(/RssAnon:\\s+(\\d+)/.exec(require('node:fs').readFileSync('/proc/1/status', 'utf8'))[1] / 1024)")
[ "$own" -lt 50 ] || fail "takes $own MB of its own when idle"
pass "takes $own MB of its own when idle"

for secret in "$work"/secrets/*; do
  if { "$engine" logs "$name"; "$engine" inspect "$name"; } 2>&1 | grep -F "$(cat "$secret")" >/dev/null; then
    fail "shows $(basename "$secret")"
  fi
done
pass "shows no secret in log and inspection"

"$engine" stop "$name" >/dev/null
[ "$("$engine" inspect -f '{{.State.ExitCode}}' "$name")" = 0 ] || fail "had to be killed, or did not end with 0"
pass "stops on SIGTERM within the engine's ten seconds, with 0"
