# Wardbook as an image: docker build -t wardbook . ; docs/production.md shows how it is run.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /opt/wardbook
RUN python -m venv /opt/venv
COPY requirements.lock ./
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY domain domain
COPY application application
COPY infrastructure infrastructure
COPY api api
COPY migrations migrations
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps --editable .

FROM ${BASE}
RUN useradd --uid 10001 --create-home --home-dir /var/lib/wardbook wardbook
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/wardbook /opt/wardbook
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    WARDBOOK_HOME=/var/lib/wardbook
USER 10001
VOLUME /var/lib/wardbook
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["wardbook"]
CMD ["serve", "--host", "0.0.0.0"]
