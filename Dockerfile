# The image of web, worker, beat and migrate; docker-compose.yml says which is which.
FROM python:3.11-slim AS build
COPY requirements/runtime.lock /tmp/runtime.lock
RUN python -m venv /opt/tillbridge \
    && /opt/tillbridge/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/runtime.lock

FROM python:3.11-slim
ENV PATH=/opt/tillbridge/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 STATE_DIR=/var/lib/tillbridge
RUN useradd --system --uid 10001 --home-dir /var/lib/tillbridge --create-home --shell /usr/sbin/nologin tillbridge
COPY --from=build /opt/tillbridge /opt/tillbridge
WORKDIR /app
COPY . .
# Only to collect the static files: these two are not kept in the image.
RUN SECRET_KEY=build FERNET_KEYS=build python manage.py collectstatic --noinput --verbosity 0
USER tillbridge
EXPOSE 8000
