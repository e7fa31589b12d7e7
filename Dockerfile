# One small image for every part: `docker build -t twofold .`, `docker run twofold --help`.
# BUILD and BASE can name mirrors of these images.
ARG BUILD=docker.io/library/rust:1.95-slim-bookworm
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BUILD} AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential perl ca-certificates \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    cargo build --profile dist --locked --bin twofold \
 && install -D target/dist/twofold /image/usr/local/bin/twofold \
 && install -d -o 10001 -g 10001 /image/data \
 && install -D -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt

FROM ${BASE}
COPY --from=build /image /
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
# Every part answers there when it is told to: `serve` by serve.listen, the others by monitor.listen.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["twofold", "health"]
ENTRYPOINT ["twofold"]
CMD ["--help"]
