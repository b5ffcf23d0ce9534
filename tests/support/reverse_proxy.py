"""A reverse proxy on loopback that shows another server below a path of its own.

with reverse_proxy(url, "/chat", strips=True) as shown:
    httpx.get(f"{shown}/chat/healthz")
"""

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# What concerns one connection alone (RFC 9110, 7.6.1).
HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}


class Proxy(ThreadingHTTPServer):
    """Passes each request on, and each piece of an answer as soon as it is there."""

    daemon_threads = True

    def __init__(self, upstream: str, prefix: str, strips: bool, says: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream, self.prefix, self.strips = urlsplit(upstream).netloc, prefix, strips
        # Headers that the proxy adds; `Host` is the upstream's, unless one is among them.
        self.says = says
        # The paths for which it was asked that are not below its own.
        self.strays: list[str] = []
        # The path and `Set-Cookie` of each answer with a cookie.
        self.cookies: list[tuple[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    server: Proxy

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        proxy = self.server
        if path != proxy.prefix and not path.startswith(f"{proxy.prefix}/"):
            proxy.strays.append(path)
            self.send_error(404)
            return
        inner = (path.removeprefix(proxy.prefix) or "/") if proxy.strips else path
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        sent = {k: v for k, v in self.headers.items() if k.lower() not in {"host", *HOP_BY_HOP}}
        upstream = http.client.HTTPConnection(proxy.upstream, timeout=60)
        try:
            target = f"{inner}?{query}" if query else inner
            upstream.request(self.command, target, body or None, {**sent, **proxy.says})
            self._pass_on(upstream.getresponse())
        except OSError:
            self.close_connection = True  # Whoever asked is gone, or the server is.
        finally:
            upstream.close()

    do_POST = do_HEAD = do_DELETE = do_OPTIONS = do_GET

    def _pass_on(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
            if name.lower() == "set-cookie":
                self.server.cookies.append((self.path, value))
        self.send_header("Connection", "close")
        self.end_headers()
        while piece := answer.read1(65_536):
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def reverse_proxy(upstream: str, prefix: str, strips: bool, **says: str) -> Iterator[Proxy]:
    """The proxy, until the end; `says` are headers that it adds: `x_forwarded_prefix="/a"`."""
    headers = {name.replace("_", "-"): value for name, value in says.items()}
    proxy = Proxy(upstream, prefix, strips, headers)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()


def address(proxy: Proxy) -> str:
    """Where it listens, without a path."""
    return f"http://127.0.0.1:{proxy.server_port}"
