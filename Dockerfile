# docker build -t front-door . && docker run -p 8080:8080 -v front-door:/data --env-file .env front-door
# Outside a loopback address the app asks for WEBAPP_PUBLIC_URL and WEBAPP_SECRET, see README.

FROM python:3.12-slim AS build
WORKDIR /source
RUN python -m venv /app
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY static static
COPY webapp webapp
RUN /app/bin/pip wheel -q --no-cache-dir --no-deps -w /wheels . \
 && /app/bin/pip install -q --no-cache-dir -c constraints.txt /wheels/*.whl

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home webapp \
 && install -d -o webapp /data
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    WEBAPP_HOST=0.0.0.0 \
    DATABASE_URL=sqlite:////data/webapp.db
USER webapp
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ.get(\"WEBAPP_PORT\", 8080)}/healthz')"]
CMD ["webapp", "serve"]
