# One image for everything that runs: pages, worker, sweep, migrations. See compose.yaml and docs/operate.md.

FROM python:3.11-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /srv/radiology/venv
COPY requirements.txt requirements-redis.txt ./
RUN /srv/radiology/venv/bin/pip install -r requirements.txt -r requirements-redis.txt \
    && /srv/radiology/venv/bin/pip check

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /srv/radiology --no-create-home --shell /usr/sbin/nologin radiology
ENV PATH=/srv/radiology/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    VAR_DIR=/srv/radiology/var STATIC_ROOT=/srv/radiology/static
COPY --from=packages /srv/radiology/venv /srv/radiology/venv
COPY . /srv/radiology/site
WORKDIR /srv/radiology/site
# The Spanish texts (.mo) are in the repository, where a test holds them to their source. The demo's keys serve this one
# command, and are in no layer: an image has no secrets.
RUN DEMO=1 VAR_DIR=/tmp/build python manage.py collectstatic --noinput --verbosity 0 \
    && rm -rf /tmp/build \
    && python -m compileall -q /srv/radiology/site \
    && install -d -o radiology -g radiology -m 700 /srv/radiology/var
USER radiology
VOLUME /srv/radiology/var
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["python", "deploy/healthcheck.py"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "4", "--no-ws", "--respawn-failed-workers", "--workers-kill-timeout", "30", "--respawn-interval", "15", "practice.wsgi:application"]
