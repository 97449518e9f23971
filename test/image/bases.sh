#!/usr/bin/env bash
# Makes the base images of the Dockerfile and of the compose file on this machine, where no registry can be asked: Debian trixie from the
# machine's own mirror, Node and npm from what `npm ci` and the machine have. The one without a shell holds libraries,
# certificates, time zones, three accounts and Node, as the distroless image does.
# Usage: test/image/bases.sh WORK_FOLDER [with-compose]; DOCKER_HOST says which engine takes them.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mkdir -p "$1" && cd "$1" && pwd)
slim=$work/slim
bare=$work/bare
node=$(readlink -f node_modules/.bin/node)
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 2>/dev/null | grep -v security | head -n 1 || true)

# Unpacked only: nothing here needs what the packages' own scripts would set up.
packages=base-files,bash,coreutils,libc6,libstdc++6,libgcc-s1,libatomic1,ca-certificates,tzdata
# For the compose file: Compose itself, which not every Debian has, and the two servers of its profiles.
with_compose=${2:-}
[ -z "$with_compose" ] || packages=$packages,docker-compose,prometheus,redis-server
mmdebstrap --quiet --variant=extract --include=$packages trixie "$slim" ${mirror:+"$mirror"}
# With the machine's own authorities: where it reaches npm through a company's proxy, the build does too.
cat /etc/ssl/certs/ca-certificates.crt >"$slim/etc/ssl/certs/ca-certificates.crt"
printf '%s\n' root:x:0:0:root:/root:/sbin/nologin nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin \
  nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin >"$slim/etc/passwd"
printf '%s\n' root:x:0: nobody:x:65534: nonroot:x:65532: >"$slim/etc/group"
rm -rf "${slim:?}"/dev "${slim:?}"/var/cache/apt "${slim:?}"/usr/share/doc "${slim:?}"/etc/resolv.conf "${slim:?}"/etc/hostname
mkdir -p "$slim/dev" "$slim/home/nonroot" "$slim/usr/local/bin" "$slim/usr/local/lib/node_modules"

if [ -n "$with_compose" ]; then
  mkdir -p "$DOCKER_CONFIG/cli-plugins"
  mv "$slim/usr/libexec/docker/cli-plugins/docker-compose" "$DOCKER_CONFIG/cli-plugins/"
  rm -f "$slim"/usr/bin/{promtool,docker*,containerd*,ctr,runc} "$slim"/usr/sbin/{docker*,runc}
  install -d -o 65534 -g 65534 "$slim/prometheus"
fi

libraries=usr/lib/$(uname -m)-linux-gnu
mkdir -p "$bare/$libraries" "$bare/usr/lib64" "$bare/nodejs/bin" "$bare/etc/ssl/certs" "$bare/usr/share" \
  "$bare/home/nonroot" "$bare/dev" "$bare/proc" "$bare/sys" "$bare/run" "$bare/var/lib" "$bare/root"
install -d -m 1777 "$bare/tmp"
chown 65532:65532 "$bare/home/nonroot" "$slim/home/nonroot"
ln -s usr/lib "$bare/lib"
ln -s usr/lib64 "$bare/lib64"
for name in libc libm libdl libpthread librt libresolv libnss_dns libnss_files libstdc++ libgcc_s libatomic; do
  cp -a "$slim/$libraries/$name".so.* "$bare/$libraries/"
done
cp -a "$slim/$libraries"/ld-linux* "$bare/$libraries/"
cp -a "$slim"/usr/lib64/* "$bare/usr/lib64/"
cp -a "$slim/usr/share/zoneinfo" "$bare/usr/share/"
cat "$slim"/usr/share/ca-certificates/mozilla/*.crt >"$bare/etc/ssl/certs/ca-certificates.crt"
cp -aL "$slim"/etc/{passwd,group,os-release} "$bare/etc/"
printf 'hosts: files dns\n' | tee "$bare/etc/nsswitch.conf" >"$slim/etc/nsswitch.conf"

cp "$node" "$bare/nodejs/bin/node"
cp "$node" "$slim/usr/local/bin/node"
cp -a "$npm" "$slim/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$slim/usr/local/bin/npm"

tar -C "$slim" -c . | docker import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' \
  --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' - docker.io/library/node:26-trixie-slim >/dev/null
tar -C "$bare" -c . | docker import --change 'USER 65532' - gcr.io/distroless/nodejs26-debian13:nonroot >/dev/null

# The servers of the profiles, under their images' names.
[ -n "$with_compose" ] || exit 0
docker tag docker.io/library/node:26-trixie-slim docker.io/library/redis:8-alpine
printf 'FROM docker.io/library/node:26-trixie-slim\nENTRYPOINT ["/usr/bin/prometheus"]\n' |
  docker build --quiet -t "docker.io/$(grep -o 'prom/prometheus:[a-z0-9.]*' docker-compose.yml)" - >/dev/null
