# The dashboard alone: it reads and judges runs without torch, which spares 750 MB.
#
#     docker build -t lrwatch .
#     docker run --rm -p 127.0.0.1:8050:8050 -v "$PWD/runs:/runs:ro" lrwatch
#
# It answers to the name localhost only. Behind a proxy that asks for a password, or with a token
# (-e LRWATCH_TOKEN), name the host that browsers see: -e LRWATCH_ALLOWED_HOSTS=lrwatch.example.org
# For a team, with alerts and a sign-in for each: deploy/compose.yaml, deploy/kubernetes.

FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY lrwatch lrwatch
COPY dashboard dashboard
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.13-slim
COPY --from=build /wheels /wheels
# hadolint ignore=DL3013  the wheel is the one built above, and it bounds what it needs
RUN pip install --no-cache-dir "$(echo /wheels/lrwatch-*.whl)[dashboard]" \
    && useradd --system --uid 10001 --no-create-home lrwatch \
    && mkdir /runs
USER 10001
ENV LRWATCH_RUNS=/runs \
    PYTHONUNBUFFERED=1
EXPOSE 8050
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8050/health', timeout=4)"]
# Python ends in order on SIGINT; SIGTERM it would not hear as the first process.
STOPSIGNAL SIGINT
# The server that `lrwatch dashboard` uses: one process, which follows the runs once for everybody.
CMD ["waitress-serve", "--listen=0.0.0.0:8050", "--threads=8", "lrwatch_dashboard.server:wsgi"]
