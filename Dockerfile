# docker build -t front-door . && docker run -p 8080:8080 -v front-door:/data --env-file .env front-door
# Outside a loopback address the app asks for WEBAPP_PUBLIC_URL and WEBAPP_SECRET, see README.
# Running answers get 25 seconds to end: stop it with `docker stop -t 40`, or `stop_grace_period: 40s`.
# What is wrong? docker exec CONTAINER webapp doctor

FROM python:3.12-slim AS build
WORKDIR /source
RUN python -m venv /app
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY static static
COPY webapp webapp
RUN /app/bin/pip wheel -q --no-cache-dir --no-deps -w /wheels . \
 && /app/bin/pip install -q --no-cache-dir -c constraints.txt /wheels/*.whl \
 && /app/bin/pip uninstall -q -y pip

FROM python:3.12-slim
RUN groupadd --system --gid 10001 webapp \
 && useradd --system --uid 10001 --gid webapp --no-create-home --home-dir /data webapp \
 && install -d -o webapp -g webapp -m 700 /data
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    WEBAPP_HOST=0.0.0.0 \
    DATABASE_URL=sqlite:////data/webapp.db
# By number, so that a cluster can see that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('WEBAPP_PORT') or 8080), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
CMD ["webapp", "serve"]
