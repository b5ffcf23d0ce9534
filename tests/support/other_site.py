"""A web site of somebody else's, with one page that shows the chat in a panel.

It is as strict as a site can be: of scripts and frames it lets in the chat's alone.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html>
<html lang="en">
<meta name="viewport" content="width=device-width">
<title>A shop</title>
<main><h1>A shop</h1><p>Tea, pots, and cups. <a href="#more">More</a></p></main>
<script src="{chat}embed.js" defer></script>
"""

POLICY = "default-src 'none'; script-src {chat}; frame-src {chat}"


class OtherSite(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        # Another site than 127.0.0.1, as browsers count.
        self.url = f"http://localhost:{self.server_port}"
        # The address of the chat page.
        self.chat = ""


class Handler(BaseHTTPRequestHandler):
    server: OtherSite

    def do_GET(self) -> None:
        page = PAGE.format(chat=self.server.chat).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Content-Security-Policy", POLICY.format(chat=self.server.chat))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def other_site() -> Iterator[OtherSite]:
    """The site, until the end."""
    site = OtherSite()
    threading.Thread(target=site.serve_forever, daemon=True).start()
    try:
        yield site
    finally:
        site.shutdown()
        site.server_close()
