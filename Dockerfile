# syntax=docker/dockerfile:1
# The static binary, CA roots and those of Amazon RDS, on nothing. What is built with, and whether it is
# built here at all, are arguments: see scripts/image-check.sh.
ARG BUILD_BASE=docker.io/library/golang:1.26-bookworm
ARG BINARY=build

FROM ${BUILD_BASE} AS build
ARG VERSION=dev
ARG COMMIT=
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN VERSION="${VERSION}" COMMIT="${COMMIT}" packaging/compile.sh /out/lsapi \
 && mkdir -p /out/state \
 && cp /etc/ssl/certs/ca-certificates.crt /out/ca-certificates.crt \
 && install -m 644 packaging/rds/rds.pem /out/rds.pem \
 && packaging/licences.sh >/out/licences.txt

FROM ${BINARY} AS binary

FROM scratch
ARG VERSION=dev
ARG COMMIT=
LABEL org.opencontainers.image.title="lsapi" \
      org.opencontainers.image.description="HTTP API and CLI to register EC2 instances with AWS load balancers, with an audit log" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}"
COPY --from=binary /out/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# For sslrootcert of the store's URL. In /etc/ssl/certs, everything would trust them.
COPY --from=binary /out/rds.pem /usr/share/lsapi/rds.pem
COPY --from=binary /out/licences.txt /usr/share/lsapi/licences.txt
COPY --from=binary /out/lsapi /lsapi
# The record of changes: a volume, of the user that the service runs as.
COPY --from=binary --chown=65532:65532 /out/state /state
USER 65532:65532
ENV STATE_DIRECTORY=/state
WORKDIR /state
VOLUME /state
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/lsapi", "healthcheck"]
ENTRYPOINT ["/lsapi"]
CMD ["serve"]
