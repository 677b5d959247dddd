# The bridge as an image: docker build -t xmpp-ximss-bridge .
# Configuration: /etc/xmpp-ximss-bridge/bridge.yaml (mount your own over it), or BRIDGE_… variables alone, or both.
# Secrets: …_FILE variables name files (BRIDGE_XMPP_SECRET_FILE=/run/secrets/xmpp). Data: the volume
# /var/lib/xmpp-ximss-bridge. The root file system may be read-only, all capabilities may be dropped.
# The target `ximss-server` is the XIMSS test server, for trying the bridge without CommuniGate Pro.

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci

FROM dependencies AS build
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY scripts/copy-assets.js scripts/
COPY test/support test/support
RUN npm run build \
  && node_modules/.bin/tsc -p test/support/ximss-server/tsconfig.json --outDir /ximss-server \
  && find dist -name '*.map' -delete \
  && npm prune --omit=dev && rm -rf /root/.npm \
  # what no running program reads
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.md' \) -delete

FROM node:24-bookworm-slim AS ximss-server
RUN apt-get update && apt-get install -y --no-install-recommends openssl && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
  && mkdir -p /var/lib/ximss-server && chown node:node /var/lib/ximss-server
WORKDIR /app
COPY --from=build /ximss-server .
COPY --from=build /app/node_modules/commander node_modules/commander
COPY --from=build /app/node_modules/zod node_modules/zod
USER node
VOLUME /var/lib/ximss-server
EXPOSE 11024 8100
ENTRYPOINT ["node", "/app/ximss-server/main.js", "--host", "0.0.0.0"]
CMD ["--port", "11024", "--http-port", "8100"]

FROM node:24-bookworm-slim AS bridge
# redis-server is for the private mode: without redis.url the bridge starts its own.
RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
  && mkdir -p /etc/xmpp-ximss-bridge /var/lib/xmpp-ximss-bridge \
  && echo '# Nothing is set here: mount your own file over this one, or set BRIDGE_… variables.' \
       > /etc/xmpp-ximss-bridge/bridge.yaml \
  && chown node:node /var/lib/xmpp-ximss-bridge && chmod 0700 /var/lib/xmpp-ximss-bridge \
  && ln -s /app/dist/main.js /usr/local/bin/xmpp-ximss-bridge
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json README.md CHANGELOG.md LICENSE ./
COPY config config
COPY docker/healthy /usr/local/bin/
RUN chmod 755 dist/main.js
ENV NODE_ENV=production \
  BRIDGE_CONFIG=/etc/xmpp-ximss-bridge/bridge.yaml \
  BRIDGE_DATA_DIR=/var/lib/xmpp-ximss-bridge \
  HEALTH_URL=http://127.0.0.1:9114/healthz
VOLUME /var/lib/xmpp-ximss-bridge
USER node
EXPOSE 9114
STOPSIGNAL SIGTERM
# Alive, not ready: a bridge that waits for Redis or the XMPP server needs no restart. Balancers ask /readyz.
HEALTHCHECK --interval=2s --timeout=5s --start-period=30s --retries=5 CMD ["healthy"]
ENTRYPOINT ["xmpp-ximss-bridge"]
CMD ["run"]
