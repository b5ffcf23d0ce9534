"""ADK's own traces and metrics, sent to where OpenTelemetry's variables say, as by `adk web`."""

import os
from functools import cache

from google.adk.telemetry.setup import maybe_set_otel_providers

# By any of these the host asks for it (opentelemetry.io/docs/specs/otel/protocol/exporter).
ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
)

# By which ADK leaves out of its spans what is said (adk/telemetry/context.py). It is in there if
# nobody says otherwise.
CONTENT = "ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS"


@cache  # OpenTelemetry takes one provider in a process, and warns of another.
def export_telemetry() -> None:
    """Begin to send, if the host asks for it; without visitors' words, unless the host asks for
    those as well."""
    if any(os.environ.get(name) for name in ENDPOINTS):
        os.environ.setdefault(CONTENT, "false")
        os.environ.setdefault("OTEL_SERVICE_NAME", "adk-chat-page")
        maybe_set_otel_providers()
