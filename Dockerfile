FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev --loglevel=error
COPY . .
RUN npm run build && npm prune --omit=dev --loglevel=error

FROM node:22-bookworm-slim
ENV NODE_ENV=production PORT=8001 DATA_DIR=/data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/prisma/migrations ./prisma/migrations
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# Only used without DATABASE_URL: the embedded Postgres lives here.
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Without npm or a shell in front, SIGTERM reaches the server itself.
CMD ["node", "dist/main.js"]
