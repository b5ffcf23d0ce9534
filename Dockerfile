# The page in a container, on Cloud Run or wherever else one runs:
#
#   docker build -t chat .
#   docker run -p 8080:8080 -v chats:/data --env-file .env chat
FROM python:3.12-slim

WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt

# What several replicas need (compose.yaml): --build-arg REPLICAS=1
COPY requirements-replicas.txt ./
ARG REPLICAS=""
RUN if [ -n "$REPLICAS" ]; then pip install --no-cache-dir -r requirements-replicas.txt; fi

# Chats and files, which outlast the container where /data is a volume.
RUN useradd --uid 1000 --create-home app && install -d -o app -g app /data
USER 1000
VOLUME /data

COPY app.py README.md ./
COPY agent agent

# Where others can reach it, and what Gradio would tell its makers.
ENV GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_ANALYTICS_ENABLED=False \
    PORT=8080 \
    SESSION_DB=sqlite:////data/session.db \
    ARTIFACTS=file:///data/artifacts
EXPOSE 8080

HEALTHCHECK --start-period=30s --interval=30s --timeout=5s \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=4)"]

# Cloud Run says in PORT where it asks. SIGTERM goes to the app itself.
CMD ["sh", "-c", "GRADIO_SERVER_PORT=$PORT exec python app.py"]
