# The image of minibot: `docker build -t minibot .`; docker-compose.yml shows how to run it.
# Plain instructions only: it builds with BuildKit and without. scripts/docker-check builds and runs it.

FROM rust:1.95-slim-bookworm AS build
# Whether the program can drive a browser; the build needs some 3 GB of memory with or without.
ARG INSTALL_BROWSER=false
WORKDIR /build

# The dependencies alone, under an empty program: this layer stays until Cargo.toml or Cargo.lock change.
COPY Cargo.toml Cargo.lock ./
COPY .cargo ./.cargo
RUN mkdir src \
    && touch src/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && features="$(if [ "$INSTALL_BROWSER" = true ]; then echo --features browser; fi)" \
    && cargo build --profile dist --locked --no-default-features $features \
    && rm -r src

# .dockerignore lets through what the build needs and nothing else.
COPY . .
# Copied files keep their old times; without the touch cargo would take the empty program for the newer one.
RUN touch src/lib.rs src/main.rs \
    && features="$(if [ "$INSTALL_BROWSER" = true ]; then echo --features browser; fi)" \
    && cargo build --profile dist --locked --no-default-features $features --bin minibot


FROM debian:bookworm-slim
# What the tools may use. Each is off in the config until it is switched on there.
ARG INSTALL_PYTHON=true
ARG INSTALL_BROWSER=false
ARG INSTALL_FIREJAIL=false
RUN packages=ca-certificates \
    && if [ "$INSTALL_PYTHON" = true ]; then packages="$packages python3"; fi \
    && if [ "$INSTALL_BROWSER" = true ]; then packages="$packages chromium fonts-noto-core"; fi \
    && if [ "$INSTALL_FIREJAIL" = true ]; then packages="$packages firejail"; fi \
    && apt-get update \
    && apt-get install -y --no-install-recommends $packages \
    && rm -rf /var/lib/apt/lists/*

RUN groupadd --gid 10001 minibot \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin minibot \
    && install -d -o 10001 -g 10001 -m 0700 /config /data
COPY --from=build /build/target/dist/minibot /usr/local/bin/minibot

USER 10001:10001
VOLUME ["/data"]
# The config is the `config.toml` of the working directory; without one, `console` works all the same.
WORKDIR /config
# The running bot cannot write the config's folder: what is written goes to the volume, whatever the file says.
ENV MINIBOT__RUNTIME__DATA_DIR=/data

STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=10s --start-period=30s --retries=3 CMD ["/usr/local/bin/minibot", "doctor", "--quick"]
ENTRYPOINT ["/usr/local/bin/minibot"]
CMD ["run"]
