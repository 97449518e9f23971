#!/usr/bin/env bash
# What docs/operations.md and docker-compose.yml promise of containers, by their own lines: secret files are made, started
# and asked as they say. Runs in a network without a way out, in which a stand-in has the names of Binance's testnet.
# Usage: test/image/compose.sh WORK_FOLDER, with DOCKER_HOST and DOCKER_CONFIG of the engine, inside its network.
set -euo pipefail
cd "$(dirname "$0")/../.."

checkout=$PWD
work=$1
pass() { echo "ok   $1"; }
fail() {
  echo "FAIL $1" >&2
  docker compose -f "$checkout/docker-compose.yml" --profile '*' ps -a >&2 2>/dev/null || true
  for id in $(docker ps -aq); do
    docker inspect -f '== {{.Name}} {{.State.Status}} {{.State.ExitCode}}' "$id" >&2
    docker logs --tail 15 "$id" >&2 2>&1 || true
  done
  exit 1
}
# within SECONDS COMMAND…: until it succeeds
within() {
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.3
  done
}
state_of() { docker inspect -f "$1" "$2"; }
is_healthy() { [ "$(state_of '{{.State.Health.Status}}' "$1")" = healthy ]; }
has_ended() { [ "$(state_of '{{.State.Status}}' "$1")" = exited ]; }
node_in() { docker exec "$1" /nodejs/bin/node -p "$2"; }
# from CONTAINER CODE: runs it in Node of an app's container or of the proxy's
from_app() { docker compose run --rm --no-deps -T app node -e "$1"; }

# A checkout as a user has it, after README's `cp .env.example .env`: nothing of it may turn the environment.
lay_out() {
  mkdir -p "$1"
  cp -r "$checkout"/{docker-compose.yml,docker-compose.by-name.yml,config,deploy,docs} "$1/"
  cp "$checkout/.env.example" "$1/.env"
  cd "$1"
}

# --- Without any key -------------------------------------------------------------------------------------------------
lay_out "$work/try"
docker compose --profile try up -d --no-build >"$work/up.log" 2>&1 || { tail -5 "$work/up.log" >&2; fail "the try profile does not start"; }
app=binance-signing-proxy-try-app-1
within 90 has_ended $app || fail "the app of the try profile does not end"
docker logs $app >"$work/app.log" 2>&1
[ "$(state_of '{{.State.ExitCode}}' $app)" = 0 ] || fail "the app of the try profile failed"
grep -qE 'POST /api/v3/order(/test)? -> 200 answered' "$work/app.log" || fail "no order was placed on the simulator"
grep -q 'withdraw/apply -> 403 not-sent' "$work/app.log" || fail "a withdrawal was not refused"
pass "the try profile trades on the simulator, without any key"
# As a browser on the host would: Prometheus is published, and has seen the proxy.
asks_prometheus() {
  "$checkout/node_modules/.bin/node" -e "
    fetch('http://127.0.0.1:9090/api/v1/query?query=' + encodeURIComponent(process.argv[1])).then((a) => a.json())
      .then(({ data }) => process.exit(data.result.some(({ value }) => Number(value[1]) > 0) ? 0 : 1), () => process.exit(1))" "$1"
}
within 60 asks_prometheus 'up{job="binance-signing-proxy"}' || fail "Prometheus does not see the proxy, or cannot be looked at"
asks_prometheus 'count(ALERTS) or vector(1)' || fail "Prometheus has no alert rules"
pass "the metrics can be looked at from the host"
docker compose --profile try down -v >/dev/null 2>&1
[ -z "$(docker ps -aq)" ] || fail "the try profile leaves containers"

# --- As the compose file says ----------------------------------------------------------------------------------------
lay_out "$work/trade"
# The lines of its own comment that make the secrets, as they stand there.
sed -n '/before the first start:$/,/^# Then:$/s/^#   //p' docker-compose.yml | sed 's/YOUR TESTNET \(KEY\|SECRET\)/\1-of-the-testnet-0123456789-0123456789/' >"$work/secrets.sh"
[ "$(wc -l <"$work/secrets.sh")" -ge 7 ] || fail "the compose file does not say how secrets are made"
bash -e "$work/secrets.sh"
mkdir "$work/exchange"
names=testnet.binance.vision,ws-api.testnet.binance.vision,stream.testnet.binance.vision,testnet.binancefuture.com,fstream.binancefuture.com,dstream.binancefuture.com
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=stand-in -addext "subjectAltName=DNS:${names//,/,DNS:}" \
  -keyout "$work/exchange/stand-in.key" -out "$work/exchange/stand-in.crt" 2>/dev/null
cp secrets/binance_api_key secrets/binance_api_secret "$work/exchange/"
cat >docker-compose.override.yml <<YAML
services:
  signing-proxy:
    environment: { BINANCE_PROXY_UPSTREAM_CA_FILE: /run/secrets/stand-in.crt }
    volumes: ["$work/exchange/stand-in.crt:/run/secrets/stand-in.crt:ro"]
  exchange:
    image: docker.io/library/node:26-trixie-slim
    profiles: [trade]
    command: [node, /checkout/test/image/stand-in.ts, /exchange]
    volumes:
      - $checkout/src:/checkout/src:ro
      - $checkout/config:/checkout/config:ro
      - $checkout/test:/checkout/test:ro
      - $checkout/package.json:/checkout/package.json:ro
      - $(readlink -f "$checkout/node_modules"):/checkout/node_modules:ro
      - $work/exchange:/exchange:ro
    networks: { out: { aliases: [${names}] } }
YAML
docker compose --profile trade --profile metrics --profile redis config --quiet || fail "Compose does not take the file"
# The two lines with check, as docs/operations.md has them: before a start, and beside the proxy that runs.
check_as_documented() {
  grep "^docker compose $1 .* check \\+# " docs/operations.md | sed 's/ #.*//; s/ compose \(run\|exec\) / compose \1 -T /' >"$work/check.sh"
  [ "$(wc -l <"$work/check.sh")" = 1 ] || fail "docs/operations.md has no line with check by $1"
  bash -e "$work/check.sh" >"$work/check" 2>&1 || { tail -n 40 "$work/check" >&2; fail "check fails: $2"; }
}
docker compose --profile trade up -d --no-build exchange >/dev/null 2>&1 || fail "the stand-in does not start"
check_as_documented run "before a start"
BINANCE_PROXY_ENVIRONMENT=live docker compose --profile trade up -d --no-build >"$work/up.log" 2>&1 || { tail -5 "$work/up.log" >&2; fail "compose does not start"; }
proxy=binance-signing-proxy-signing-proxy-1
app=binance-signing-proxy-app-1
within 90 is_healthy $proxy || fail "the proxy does not become healthy"
within 60 has_ended $app || fail "the app does not end"
[ "$(state_of '{{.State.ExitCode}}' $app)" = 0 ] || fail "the app failed"
[ "$(state_of '{{.RestartCount}}' $proxy)" = 0 ] || fail "the proxy had to start more than once"
docker logs $app 2>&1 | grep 'withdraw/apply -> 403 not-sent' >/dev/null || fail "a withdrawal was not refused"
pass "compose starts with the secrets made as documented, and the app trades"
docker logs $proxy 2>&1 | grep '"proxy.started"' | grep '"environment":"testnet"' >/dev/null || fail "the environment is not the one that the file names"
pass "the environment is the one that the file names, whatever .env and the shell say"
health=$(state_of '{{.Config.Healthcheck.Interval}} {{(index .State.Health.Log 0).Start.UnixNano}}' $proxy)
[ "${health%% *}" = 2s ] || fail "the health check of compose runs every ${health%% *}"
pass "the health check is compose's own, after ${health%% *}"
folders=$(node_in $proxy "['', '/audit', '/state'].map((name) => fs.statSync('/var/lib/binance-proxy' + name))
  .map(({ uid, mode }) => uid + ':' + (mode & 0o777).toString(8)).join(' ')")
[ "$folders" = '65532:700 65532:700 65532:700' ] || fail "the folders of the volume are $folders"
docker compose run --rm --no-deps -T signing-proxy audit verify /var/lib/binance-proxy/audit >"$work/verify" 2>&1 || { cat "$work/verify" >&2; fail "the audit of the volume does not verify"; }
pass "audit and state are in the volume, 0700, and verify"
check_as_documented exec "beside the proxy that runs"
docker compose run --rm --no-deps -T signing-proxy client new grid-bot 2>/dev/null | grep -E '^GRID_BOT_CLIENT_KEY=' >/dev/null || fail "client new fails in the image"
pass "check and client new run in the image"
docker compose exec -T signing-proxy /nodejs/bin/node dist/program/main.js healthcheck >/dev/null || fail "the operator listener is not where the proxy looks"
reached=$(from_app "
  const net = require('node:net');
  const tries = [['signing-proxy', 8080], ['signing-proxy', 8081], ['exchange', 443], ['testnet.binance.vision', 443], ['1.1.1.1', 443]];
  Promise.all(tries.map(([host, port]) => new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 3000 }, () => { socket.destroy(); resolve(host + ':' + port); });
    for (const end of ['error', 'timeout']) socket.once(end, () => { socket.destroy(); resolve(''); });
  }))).then((all) => console.log(all.filter(Boolean).join(' ')));" 2>/dev/null)
[ "$reached" = signing-proxy:8080 ] || fail "an app reaches $reached"
pass "an app reaches the proxy's port for apps and nothing else"
docker compose --profile trade --profile metrics up -d --no-build prometheus >/dev/null 2>&1 || fail "the metrics profile does not start"
within 60 asks_prometheus 'sum(binance_proxy_signed_calls_total)' || fail "Prometheus does not see the signed calls"
pass "the metrics profile sees the proxy"
docker compose exec -T signing-proxy /nodejs/bin/node dist/program/main.js reload >"$work/reload" 2>&1 || { cat "$work/reload" >&2; fail "reload fails in the container"; }
pass "secrets and configuration are read again by a command"
begun=$SECONDS
docker stop $proxy >/dev/null
[ "$(state_of '{{.State.ExitCode}}' $proxy)" = 0 ] || fail "the proxy was killed, or did not end with 0"
pass "it stops within the engine's default ten seconds ($((SECONDS - begun)) s)"
echo BINANCE_PROXY_REDIS_URL=redis://redis:6379 >>.env
docker compose --profile trade --profile redis up -d --no-build redis signing-proxy >/dev/null 2>&1 || fail "the redis profile does not start"
within 60 is_healthy $proxy || fail "the proxy is not healthy with Redis"
shares() { [ "$(docker exec binance-signing-proxy-redis-1 redis-cli dbsize)" -gt 0 ]; }
within 60 shares || fail "nothing is shared over Redis"
pass "the redis profile shares the budgets"
docker compose --profile '*' down -v >/dev/null 2>&1

# --- An app that calls Binance's own names ----------------------------------------------------------------------------
sed -i '/^BINANCE_PROXY_REDIS_URL=/d' .env
sed -n '/before the first start, beside what$/I,/^# Then:$/s/^#   //p' docker-compose.by-name.yml | sed "s|^node bin/|'$checkout/node_modules/.bin/node' '$checkout'/bin/|" >"$work/by-name.sh"
[ "$(wc -l <"$work/by-name.sh")" = 2 ] || fail "docker-compose.by-name.yml does not say how its certificate is made"
bash -e "$work/by-name.sh" >/dev/null || fail "the documented certificate cannot be made"
sed -n '/^docker compose .*by-name.yml/s/ --profile trade up --build$/ -f docker-compose.override.yml --profile trade up -d --no-build/p' docs/by-name.md >"$work/up.sh"
[ "$(wc -l <"$work/up.sh")" = 1 ] || fail "docs/by-name.md does not start its compose file"
bash -e "$work/up.sh" >"$work/up.log" 2>&1 || { tail -5 "$work/up.log" >&2; fail "the compose file by name does not start"; }
within 90 is_healthy $proxy || fail "the proxy by name does not become healthy"
within 60 has_ended $app || fail "the app by name does not end"
[ "$(state_of '{{.State.ExitCode}}' $app)" = 0 ] || fail "the app by name failed"
[ "$(state_of '{{range .Config.Env}}{{println .}}{{end}}' $app | grep '^BINANCE_BASE_URL=')" = BINANCE_BASE_URL=https://api.binance.com ] ||
  fail "the app by name was given another address"
docker logs $app 2>&1 | grep -E 'POST /api/v3/order(/test)? -> 200 answered' >/dev/null || fail "the app by name traded nothing"
docker logs $proxy 2>&1 | grep '"byName":"api.binance.com"' >/dev/null || fail "the records do not have the name"
[ "$(node_in $proxy "fs.readFileSync('/etc/hosts', 'utf8').includes('binance')")" = false ] || fail "the proxy sees the names too"
pass "an app trades by Binance's own names, which the proxy does not see"
docker compose -f docker-compose.yml -f docker-compose.override.yml -f docker-compose.by-name.yml --profile '*' down -v >/dev/null 2>&1

# --- docker run, as docs/operations.md has it -------------------------------------------------------------------------
awk '/^```sh$/ { block = ""; inside = 1; next } /^```$/ { if (block ~ /docker run -d/) printf "%s", block; inside = 0 } inside { block = block $0 "\n" }' \
  docs/operations.md >"$work/run.sh"
grep -q 'docker run -d' "$work/run.sh" || fail "docs/operations.md has no docker run"
bash -e "$work/run.sh" >/dev/null || fail "the documented docker run does not start"
runs() { docker logs signing-proxy 2>&1 | grep '"proxy.started"'; }
within 60 runs || fail "the documented docker run does not serve"
runs | grep '"environment":"testnet"' >/dev/null || fail "the documented docker run is not on the testnet"
[ "$(node_in signing-proxy "fs.readdirSync('/var/lib/binance-proxy').join(' ')")" = 'audit state' ] || fail "the volume of the documented docker run stays empty"
status=$("$checkout/node_modules/.bin/node" -e "fetch('http://127.0.0.1:8080/api/v3/account').then((a) => console.log(a.status))")
[ "$status" = 401 ] || fail "the published port answers $status"
docker stop signing-proxy >/dev/null
[ "$(state_of '{{.State.ExitCode}}' signing-proxy)" = 0 ] || fail "the documented docker run does not stop with 0"
pass "the documented docker run serves, keeps audit and state, and stops"
