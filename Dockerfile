# The image of sprig-to-segment: Debian's Python and one virtual environment.
FROM python:3.13-slim-trixie@sha256:bf44cdfcb76cd3b41e879bc058fc37ec5872002ccfde7fcb765e218cde0cd79c AS base

FROM base AS builder
WORKDIR /build
# Two virtual environments, because the product's environment has neither pip nor the build backend. The product has its
# extra `otel`, because nobody can add it to the image later.
RUN python3 -m venv tools && python3 -m venv --without-pip /opt/sprig-to-segment
COPY requirements requirements
RUN tools/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
    && tools/bin/pip --python /opt/sprig-to-segment/bin/python \
       install --no-cache-dir --require-hashes --only-binary=:all: -r requirements/otel.txt
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY docs docs
COPY consumer consumer
RUN tools/bin/pip wheel --no-build-isolation --no-deps --wheel-dir dist . \
    && tools/bin/pip --python /opt/sprig-to-segment/bin/python install --no-index --no-deps dist/*.whl
COPY licenses licenses
RUN /opt/sprig-to-segment/bin/python licenses/collect.py /opt/licenses
# The software bill of materials (CycloneDX) of the installed packages. The final image does not have the generator.
RUN python3 -m venv sbom \
    && sbom/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r requirements/image.txt \
    && sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
       --output-format JSON --output-file /opt/sprig-to-segment/sbom.cdx.json /opt/sprig-to-segment/bin/python

# The same base image, because the interpreter of the virtual environment is a link into the base.
FROM base
# Remove the package managers and the setuid and setgid bits, because the service does not need them.
RUN find / -xdev \( -name pip -o -name 'pip-*' -o -name 'pip3*' -o -name ensurepip \) \
    -prune -exec rm -rf {} + \
    && find /usr/bin /usr/sbin -name 'apt*' -delete -o -name 'dpkg*' -delete -o -name 'debconf*' -delete \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=builder /opt/sprig-to-segment /opt/sprig-to-segment
COPY --from=builder /opt/licenses /usr/share/doc/sprig-to-segment
ENV PATH=/opt/sprig-to-segment/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["sprig-to-segment"]
CMD ["run"]

# The labels are last, because they differ in each build, and all layers above stay in the build cache.
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="sprig-to-segment" \
      org.opencontainers.image.description="Delivers Sprig survey responses from Kafka to Segment" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.documentation="${SOURCE}/blob/${REVISION}/README.md"
