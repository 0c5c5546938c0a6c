# vs-espcn, vspipe and ffmpeg in one image; docs/guides/docker.md shows how to run it.
FROM python:3.12-slim-trixie

# Extras such as [tensorrt-rtx].
ARG EXTRAS=

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/*

COPY pyproject.toml README.md LICENSE /src/
COPY vs_espcn /src/vs_espcn
COPY engines /src/engines
RUN python -m pip install --no-cache-dir "/src${EXTRAS}" \
    && rm -rf /src \
    && mkdir -m 777 /cache /video

ENV VS_ESPCN_CACHE=/cache \
    HOME=/tmp
WORKDIR /video
ENTRYPOINT ["vs-espcn"]
CMD ["--help"]
