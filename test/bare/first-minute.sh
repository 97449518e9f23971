#!/bin/sh
# What a newcomer does, on the bare machine that run.sh makes. Prints "step WAY SECONDS WHAT" for the table, and "ok" or "FAIL".
set -u
failed=0
now() { date +%s%N; }
# step WAY WHAT COMMAND: how long it took, and whether it went well.
step() {
  began=$(now)
  if sh -c "$3" >/tmp/out 2>&1; then echo "step $1 $(seconds "$began") $2"; else fail "$1: $2" "$(tail -n 25 /tmp/out)"; fi
}
seconds() { echo "$1 $(now)" | awk '{ printf "%.2f", ($2 - $1) / 1e9 }'; }
ok() { echo "ok   $1"; }
fail() { echo "FAIL $1"; echo "$2" | sed 's/^/     /'; failed=1; }
expect() { if printf %s "$2" | grep -q "$3"; then ok "$1"; else fail "$1" "$2"; fi; }

# first_call WAY PROGRAM SERVE: the README's own-key steps on the simulator, and the first signed call.
first_call() {
  way=$1 program=$2 serve=$3 began=$(now)
  $program simulator --port 0 >simulator.txt 2>&1 &
  simulator=$!
  until_true 300 grep -q ^BINANCE_PROXY_UPSTREAM_SPOT= simulator.txt
  (umask 077 && grep ^BINANCE_ simulator.txt >.env && printf 'BINANCE_PROXY_PORT=0\nBINANCE_PROXY_OPERATOR_PORT=0\n' >>.env)
  $program client new default >>.env 2>/dev/null
  $program check --offline >/dev/null || fail "$way: check" ''
  $serve >serve.txt 2>&1 &
  serving=$!
  key=$(sed -n s/^BINANCE_PROXY_CLIENT_KEY=//p .env)
  if until_true 300 answers; then echo "step $way $(seconds "$began") own key to first signed call (curl)"; else fail "$way: curl" "$(tail serve.txt)"; fi
  serving_port=$(port)
  began=$(now)
  seen=$(cd /root/app && $(node_of_apps) /root/app/test/bare/ccxt-call.mjs "$OLDPWD/.env" "$serving_port" 2>&1)
  if [ "$seen" = answered ]; then echo "step $way $(seconds "$began") first signed call of a ccxt app"; else fail "$way: ccxt" "$seen"; fi
  kill $serving $simulator
  wait $serving $simulator
  if grep -q '"proxy.stopping"' serve.txt; then ok "$way: a SIGTERM stops what serves"; else fail "$way: SIGTERM" "$(tail serve.txt)"; fi
}
# ccxt cannot be loaded by Debian 12's Node 18: its app takes the Node that came with the clone.
node_of_apps() { case $(node -v) in v18.*) ls /root/app/node_modules/node-linux-*/bin/node ;; *) echo node ;; esac; }
port() { sed -n 's/.*"event":"proxy.started".*"url":"http:..localhost:\([0-9]*\)".*/\1/p' serve.txt; }
answers() { curl -sf -H "X-MBX-APIKEY: $key" "http://localhost:$(port)/api/v3/account" | grep -q canTrade; }
until_true() {
  tries=$1
  shift
  until "$@" 2>/dev/null; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 0.1
  done
}

echo "     $(. /etc/os-release && echo "$PRETTY_NAME"): Node $(node -v), npm $(npm -v)"
hidden=/tmp/hidden
mkdir -p $hidden

# One file: nothing of npm is needed.
cd "$(mktemp -d)" || exit 1
step executable 'demo' '/root/handed/binance-signing-proxy demo'
expect 'executable: the demo ends well' "$(cat /tmp/out)" 'withdrawals there: 0\.'

# A clone, first without the library that a small Debian does not have.
cd /root/app || exit 1
mv /usr/lib/*-linux-gnu/libatomic.so.1* $hidden/
npm ci --omit=dev >/tmp/out 2>&1 && fail 'clone: a missing library stops the install' ''
expect 'clone: the missing library is named, with its package' "$(cat /tmp/out)" 'needs libatomic.so.1.*apt-get install libatomic1'
expect 'clone: and by the command line as well' "$(/usr/bin/node bin/binance-signing-proxy.mjs --help 2>&1)" 'apt-get install libatomic1'
mv $hidden/* "$(dirname "$(ls /usr/lib/*-linux-gnu/libc.so.6)")/"

step clone 'npm ci --omit=dev' 'npm ci --omit=dev'
expect 'clone: the program starts without the test libraries' "$(npm run demo 2>&1)" 'withdrawals there: 0\.'
step clone 'npm ci' 'npm ci'
if grep -qi 'warn\|EBADENGINE\|deprecated' /tmp/out; then fail 'clone: npm ci warns of nothing' "$(cat /tmp/out)"; else ok 'clone: npm ci warns of nothing'; fi
step clone 'npm run demo' 'npm run demo'
if [ -n "${FULL:-}" ]; then step clone 'npm test' 'npm test'; else step clone 'npm test, of it the check and test/core/call' 'npm run check && npx vitest run test/core/call'; fi
first_call clone 'npx binance-signing-proxy' 'npm start'

# The package, in a folder of its own.
cd "$(mktemp -d)" || exit 1
echo '{}' >package.json
step package 'npm install' 'npm install /root/handed/*.tgz'
if grep -qi 'warn' /tmp/out; then fail 'package: npm install warns of nothing' "$(cat /tmp/out)"; else ok 'package: npm install warns of nothing'; fi
step package 'npx binance-signing-proxy demo' 'npx binance-signing-proxy demo'
first_call package 'npx binance-signing-proxy' 'node_modules/.bin/binance-signing-proxy serve'

cd "$(mktemp -d)" || exit 1
first_call executable /root/handed/binance-signing-proxy '/root/handed/binance-signing-proxy serve'
exit $failed
