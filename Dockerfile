# Default target: no shell, no package manager, not root. `--target debug` is the same program on slim Debian.
# Pin both by digest where it matters: --build-arg RUNTIME_DIGEST=@sha256:… (docs/operations.md).
ARG BUILD_IMAGE=docker.io/library/node:26-trixie-slim
ARG BUILD_DIGEST=""
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs26-debian13:nonroot
ARG RUNTIME_DIGEST=""

# The program in few files that hold all of its code: the image needs no node_modules. Exactly what the lockfile pins, no
# install scripts; the bundler's native part is an optional package, and so is a Node, but the base's own runs it.
FROM ${BUILD_IMAGE}${BUILD_DIGEST} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc LICENSE ./
RUN ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
COPY scripts ./scripts
COPY src ./src
RUN ["/usr/local/bin/node", "scripts/build.ts"]
# The folders that are written to, each inside another one: what is copied by its own name loses its mode.
RUN ["install", "-d", "-m", "0700", "-o", "65532", "-g", "65532", "/own/lib/binance-proxy", "/own/run/binance-proxy"]

FROM ${BUILD_IMAGE}${BUILD_DIGEST} AS debug
LABEL org.opencontainers.image.title="binance-signing-proxy (debug)" \
      org.opencontainers.image.description="The signing proxy on slim Debian, with a shell: for looking around, not for production." \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY config/catalogue ./config/catalogue
COPY --from=build --chown=65532:65532 /own/lib /var/lib
COPY --from=build --chown=65532:65532 /own/run /run
ENV NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    TMPDIR=/run/binance-proxy \
    BINANCE_PROXY_HOST=0.0.0.0
USER 65532:65532
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=2s --timeout=5s --start-period=10s --retries=15 \
  CMD ["/usr/local/bin/node", "--permission", "--allow-net", "--allow-fs-read=/app", "--allow-fs-read=/etc/binance-proxy", "--allow-fs-read=/run/secrets", "--disable-sigusr1", "--disable-warning=ExperimentalWarning", "dist/program/main.js", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/node", "--permission", "--allow-net", "--allow-fs-read=/app", "--allow-fs-read=/etc/binance-proxy", "--allow-fs-read=/run/secrets", "--allow-fs-read=/run/binance-proxy", "--allow-fs-read=/var/lib/binance-proxy", "--allow-fs-read=/proc/self/status", "--allow-fs-read=/proc/self/fd", "--allow-fs-read=/proc/self/limits", "--allow-fs-write=/run/binance-proxy", "--allow-fs-write=/var/lib/binance-proxy", "--disable-sigusr1", "--disable-proto=throw", "--max-semi-space-size=8", "--single-threaded-gc", "--liftoff-only", "--no-flush-bytecode", "--disable-warning=ExperimentalWarning", "dist/program/main.js"]
CMD ["serve"]

FROM ${RUNTIME_IMAGE}${RUNTIME_DIGEST} AS runtime
ARG VERSION="0.2.0"
ARG REVISION=""
LABEL org.opencontainers.image.title="binance-signing-proxy" \
      org.opencontainers.image.description="A local signing proxy for the Binance API. Withdrawals never pass." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY config/catalogue ./config/catalogue
COPY --from=build --chown=65532:65532 /own/lib /var/lib
COPY --from=build --chown=65532:65532 /own/run /run
# No denylist of an operator is copied: it is mounted below /etc/binance-proxy and named by BINANCE_PROXY_DENYLIST.
# Only what client keys are configured for may reach it: without one the program refuses to start on this address.
ENV NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    TMPDIR=/run/binance-proxy \
    BINANCE_PROXY_HOST=0.0.0.0
USER 65532:65532
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=2s --timeout=5s --start-period=10s --retries=15 \
  CMD ["/nodejs/bin/node", "--permission", "--allow-net", "--allow-fs-read=/app", "--allow-fs-read=/etc/binance-proxy", "--allow-fs-read=/run/secrets", "--disable-sigusr1", "--disable-warning=ExperimentalWarning", "dist/program/main.js", "healthcheck"]
# Node's permission model is the inner belt: it reads the program, its configuration and secrets, writes audit, state
# and the Unix socket, and starts no process, no worker and no native addon. SIGUSR1 opens no inspector. The three
# files of /proc are what the process metrics are read from. Against memory: a small nursery, no second compilation of the
# parser of answers, and glibc gives back what the start took; against pauses: a collection by one thread on the one core
# that a sidecar has (docs/operations.md has the figures).
ENTRYPOINT ["/nodejs/bin/node", "--permission", "--allow-net", "--allow-fs-read=/app", "--allow-fs-read=/etc/binance-proxy", "--allow-fs-read=/run/secrets", "--allow-fs-read=/run/binance-proxy", "--allow-fs-read=/var/lib/binance-proxy", "--allow-fs-read=/proc/self/status", "--allow-fs-read=/proc/self/fd", "--allow-fs-read=/proc/self/limits", "--allow-fs-write=/run/binance-proxy", "--allow-fs-write=/var/lib/binance-proxy", "--disable-sigusr1", "--disable-proto=throw", "--max-semi-space-size=8", "--single-threaded-gc", "--liftoff-only", "--no-flush-bytecode", "--disable-warning=ExperimentalWarning", "dist/program/main.js"]
CMD ["serve"]
