# The bridge as an image: docker build -t xmpp-ximss-bridge .
# The configuration is /etc/xmpp-ximss-bridge/bridge.yaml (or BRIDGE_… variables alone), its data the volume
# /var/lib/xmpp-ximss-bridge. The target `ximss-server` is the XIMSS test server, for trying the bridge without
# CommuniGate Pro.

FROM node:20-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci

FROM dependencies AS build
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY scripts/copy-assets.js scripts/
RUN npm run build && npm prune --omit=dev

FROM dependencies AS ximss-server
RUN apt-get update && apt-get install -y --no-install-recommends openssl && rm -rf /var/lib/apt/lists/*
COPY tsconfig.json ./
COPY test/support test/support
USER node
EXPOSE 11024 8100
ENTRYPOINT ["/app/node_modules/.bin/tsx", "test/support/ximss-server/main.ts", "--host", "0.0.0.0"]
CMD ["--port", "11024", "--http-port", "8100"]

FROM node:20-bookworm-slim AS bridge
# redis-server is for the private mode: without redis.url the bridge starts its own.
RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/* \
  && mkdir -p /etc/xmpp-ximss-bridge /var/lib/xmpp-ximss-bridge \
  && chown node:node /var/lib/xmpp-ximss-bridge && chmod 0700 /var/lib/xmpp-ximss-bridge
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json README.md CHANGELOG.md LICENSE ./
COPY config config
ENV NODE_ENV=production \
  BRIDGE_CONFIG=/etc/xmpp-ximss-bridge/bridge.yaml \
  BRIDGE_DATA_DIR=/var/lib/xmpp-ximss-bridge \
  READY_URL=http://127.0.0.1:9114/readyz
VOLUME /var/lib/xmpp-ximss-bridge
USER node
EXPOSE 9114
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.READY_URL).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--enable-source-maps", "/app/dist/main.js"]
CMD ["run"]
