# One image for all targets, for preparing the database and for Locust; docker-compose.yml says which is which.
FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

# A number of its own, so that it meets no account of the host by chance.
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin poolstorm

WORKDIR /srv/poolstorm

# Packages change seldom and the code often, so the packages are a layer of their own. Wheels only: the image has
# no compiler, and building from source would run code at build time.
COPY requirements.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock

# The code stays root's: what the service runs as cannot change it.
COPY docker/health.py docker/health.py
COPY targets targets
COPY scenarios scenarios

USER 10001:10001
EXPOSE 8000

HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["python", "docker/health.py", "answers", "http://127.0.0.1:8000/health/live"]

# The same server with the same options for each target; a container adds which app it serves.
ENTRYPOINT ["python", "-m", "uvicorn", \
    "--host", "0.0.0.0", "--port", "8000", \
    "--loop", "uvloop", "--http", "httptools", \
    "--no-access-log", "--timeout-keep-alive", "75", "--timeout-graceful-shutdown", "1"]
CMD ["targets.sync_pool:app"]
