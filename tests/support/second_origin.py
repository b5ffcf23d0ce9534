"""Another origin than the page's, which may only be called by who clicks on a link to it."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class SecondOrigin:
    """What it was asked for, and from where its visitors said that they came."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.referrers: dict[str, str | None] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.referrers[self.path] = self.headers["Referer"]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_HEAD = do_OPTIONS = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler

    def forget(self) -> None:
        """As if nobody had ever come."""
        self.asked.clear()
        self.referrers.clear()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
