# The server in an image with nothing else in it: no shell, no package manager, not root.
#
# The builder's Debian is the final image's: the binary is linked against its libc. Digest: `docker buildx imagetools inspect
# gcr.io/distroless/cc-debian12:nonroot`; that repository has no tags which stand still.
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src
# gcc and libc6-dev, which the C parts (SQLite, aws-lc, mimalloc) are built with, are in the image; no cmake, no protoc
COPY . .
# Dependencies stay built between builds in the builder's caches; what leaves this stage is copied out of them.
# The data directory is everybody's to write in, as /tmp is: whoever the container runs as makes one of its own in it.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked -p tidings-api \
    && install -D -m 0755 target/release/tidings /out/usr/local/bin/tidings \
    && install -d -m 1777 /out/data

FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
LABEL org.opencontainers.image.title="tidings" \
      org.opencontainers.image.description="Messaging whose truth is an event log" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/ /
ENV TIDINGS_LISTEN=0.0.0.0:8080 \
    TIDINGS_DATA_DIR=/data/tidings
USER 65532:65532
EXPOSE 8080
# a first start may have views to build; it is not ready before
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/local/bin/tidings", "health"]
ENTRYPOINT ["/usr/local/bin/tidings"]
CMD ["serve"]
