"""The page's queue by raw HTTP, as one would use it who has no page, or means harm."""

import json
import uuid
from typing import Any

import httpx

# The last that the queue says of a run.
ENDS = {"process_completed", "unexpected_error"}


class RawQueueClient:
    """A session of the queue's, with the page's own requests."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=f"{url}gradio_api/", timeout=20)
        self.session = uuid.uuid4().hex
        self.functions = {
            function["api_name"]: function["id"]
            for function in httpx.get(f"{url}config").json()["dependencies"]
        }

    def try_out(self, message: Any, count: Any = 0) -> None:
        """Send a message, and how many turns are said to be above it on the page."""
        if self.ask(message, count).status_code == 200:
            self.told()

    def ask(self, message: Any, count: Any = 0, **more: Any) -> httpx.Response:
        """The same; what comes of it is told elsewhere."""
        asked = {"text": message, "number": 1, "count": count, **more}
        return self._call("queue/join", "respond", [asked, *[None] * 4])

    def told(self) -> list[dict[str, Any]]:
        """All that the queue says of the run, to its end."""
        told = []
        watched = {"session_hash": self.session}
        with self.http.stream("GET", "queue/data", params=watched) as stream:
            for line in filter(None, stream.iter_lines()):
                told.append(json.loads(line.removeprefix("data: ")))
                if told[-1]["msg"] in ENDS:
                    return told
        raise AssertionError("The run never ended.")

    def close(self) -> None:
        self.http.close()

    def post(self, body: str) -> httpx.Response:
        """Post this to the queue."""
        return self._post("queue/join", body)

    def _call(self, route: str, function: str, data: list[Any]) -> httpx.Response:
        body = {"fn_index": self.functions[function], "session_hash": self.session, "data": data}
        return self._post(route, json.dumps(body))

    def _post(self, route: str, body: str) -> httpx.Response:
        return self.http.post(route, content=body, headers={"content-type": "application/json"})
