# syntax=docker/dockerfile:1
# The operator and the command line. Each step can be run by hand; test/install/image.long.test.ts does, without Docker.

FROM node:24-bookworm-slim AS pack
WORKDIR /src
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund
RUN npm pack --pack-destination /

FROM node:24-bookworm-slim AS install
WORKDIR /app
COPY --from=pack /servetwin-*.tgz /src/package-lock.json ./
RUN tar --extract --gzip --strip-components=1 --file servetwin-*.tgz && rm servetwin-*.tgz
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

# No shell, no package manager; user 65532.
FROM gcr.io/distroless/nodejs24-debian12:nonroot
LABEL org.opencontainers.image.title="servetwin" \
      org.opencontainers.image.description="A digital twin of LLM-inference platforms on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=install /app /app
ENV NODE_ENV=production
WORKDIR /app
EXPOSE 8080
ENTRYPOINT ["/nodejs/bin/node", "/app/dist/servetwin.js"]
CMD ["up", "--listen=0.0.0.0:8080"]
