"""What a browser does on a page of Gradio, without the browser: its requests, and no others.

Gradio's page reads in `/config` which steps follow which events, and which follow each other. A
step that is not queued is one request (`run/predict`). Of a queued one (`queue/join`) a stream
tells (`queue/data`): first all that it has yielded, and then what is new in it.
"""

import asyncio
import json
import random
import uuid
from collections import defaultdict
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import aclosing
from typing import Any

import httpx

from tests.bench.stamps import Answer

Step = dict[str, Any]


class GradioPage:
    """One open page with a ChatInterface."""

    def __init__(self, http: httpx.AsyncClient, config: dict[str, Any]) -> None:
        self._http, self._steps = http, config["dependencies"]
        self._session = uuid.uuid4().hex[:11]
        self._kinds = {component["id"]: component["type"] for component in config["components"]}
        self._values = {
            component["id"]: component["props"].get("value") for component in config["components"]
        }
        self._told: defaultdict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self._awaited: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_listening = False
        self._answer = Answer()

    async def open(self) -> None:
        """Load the page."""
        await self._http.get("")
        self._begin(self._beat())
        await self._follow(self._on("load"))

    async def ask(self, message: str) -> Answer:
        """Send a message, and wait until the page has done all that it does then."""
        self._answer = Answer()
        steps = self._on("submit")
        self._values[steps[0]["inputs"][0]] = message
        await self._follow(steps)
        if not steps[0]["backend_fn"]:
            await self._put_question(steps[0])
        return self._answer

    async def _put_question(self, step: Step) -> None:
        """What is done at Enter where it is done in the browser (agent/page/static/chat.js)."""
        text, page, _ = (self._values[component_id] for component_id in step["inputs"])
        asked = step["outputs"][0]
        count = sum(message["role"] == "user" for message in page)
        self._values[asked] = {"text": text, "number": random.random(), "count": count}
        self._values[step["inputs"][1]] = [*page, {"role": "user", "content": []}]
        await self._follow(self._on("change", asked))

    async def stop(self) -> None:
        """Press Stop."""
        await self._follow(self._on("stop"))

    async def leave(self) -> None:
        """Close the page, whatever it is doing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    def _on(self, event: str, component: int | None = None) -> list[Step]:
        """What follows an event of a component; if none is named, of the first that has it."""
        having = (
            component_id
            for step in self._steps
            for component_id, name in step["targets"]
            if name == event
        )
        wanted = next(having, None) if component is None else component
        return [step for step in self._steps if [wanted, event] in step["targets"]]

    async def _follow(self, steps: Iterable[Step]) -> None:
        await asyncio.gather(*map(self._take, steps))

    async def _take(self, step: Step) -> None:
        """Take a step, and then those that come after it."""
        has_failed = not await self._outcome(step)
        excluded = "trigger_only_on_success" if has_failed else "trigger_only_on_failure"
        after = [follower for follower in self._steps if follower["trigger_after"] == step["id"]]
        await self._follow(follower for follower in after if not follower[excluded])

    async def _outcome(self, step: Step) -> bool:
        """Whether it has come to a good end."""
        if not step["backend_fn"]:
            return True  # Only in the browser.
        if step["queue"]:
            return await self._wait_for(step)
        done = await self._post("run/predict", step)
        self._keep(step, done.json().get("data", []))
        return done.is_success

    async def _wait_for(self, step: Step) -> bool:
        event: str = (await self._post("queue/join", step)).json()["event_id"]
        self._awaited.add(event)
        if not self._is_listening:
            self._begin(self._listen())
        output: list[Any] = []
        while True:
            if (told := await self._told[event].get()) is None:
                raise ConnectionError("The page's stream has broken off.")
            is_over = told["msg"] == "process_completed"
            if is_over or not output:
                output = told["output"].get("data", [])
            else:
                grow(output, told["output"]["data"])
            self._show(step, output)
            for state in told["output"].get("changed_state_ids", ()):
                self._begin(self._follow(self._on("change", state)))
            if is_over:
                self._keep(step, output)
                return bool(told["success"])

    async def _listen(self) -> None:
        """Hear what becomes of all that is awaited."""
        self._is_listening = True
        try:
            while self._awaited:
                watched = self._stream("queue/data", session_hash=self._session)
                async with aclosing(watched) as stream:
                    async for line in stream:
                        self._hear(json.loads(line.removeprefix(b"data: ")))
        finally:
            self._is_listening = False
            for event in self._awaited:
                self._told[event].put_nowait(None)

    def _hear(self, told: dict[str, Any]) -> None:
        if told["msg"] == "process_completed":
            self._awaited.discard(told["event_id"])
        if told["msg"] in ("process_generating", "process_completed"):
            self._told[told["event_id"]].put_nowait(told)

    async def _beat(self) -> None:
        """Be there, as the server sees it."""
        async with aclosing(self._stream(f"heartbeat/{self._session}")) as stream:
            async for _ in stream:
                pass

    async def _stream(self, path: str, **params: str) -> AsyncGenerator[bytes, None]:
        async with self._http.stream("GET", f"gradio_api/{path}", params=params) as stream:
            rest = b""
            async for piece in stream.aiter_raw():
                self._answer.wire += len(piece)
                *lines, rest = (rest + piece).split(b"\n\n")
                for line in lines:
                    yield line

    async def _post(self, path: str, step: Step) -> httpx.Response:
        given = [self._values[component_id] for component_id in step["inputs"]]
        body = {"data": given, "fn_index": step["id"], "session_hash": self._session}
        body |= {"event_data": None, "trigger_id": None}
        done = await self._http.post(f"gradio_api/{path}", json=body)
        self._answer.wire += len(done.content)
        return done

    def _keep(self, step: Step, output: list[Any]) -> None:
        """These are on the page now; a State is not, as only the server knows it."""
        for component, value in zip(step["outputs"], output, strict=False):
            is_update = isinstance(value, dict) and value.get("__type__") == "update"
            if self._kinds[component] != "state" and not (is_update and "value" not in value):
                self._put(component, value["value"] if is_update else value)

    def _put(self, component: int, value: Any) -> None:
        """A Textbox tells of its changes itself, as the server does of a State's."""
        before, self._values[component] = self._values[component], value
        if self._kinds[component] == "textbox" and (before or "") != (value or ""):
            self._begin(self._follow(self._on("change", component)))

    def _show(self, step: Step, output: list[Any]) -> None:
        for component, value in zip(step["outputs"], output, strict=False):
            if self._kinds[component] == "chatbot" and isinstance(value, list):
                self._answer.see(last_answer(value))
            if self._kinds[component] == "textbox" and str(value).startswith('{"messages"'):
                self._put_answer(component, value)

    def _put_answer(self, component: int, value: str) -> None:
        """What is done in the browser with an answer (agent/page/static/chat.js, showAnswer)."""
        said, _, beside = value.partition("\0")
        line, _, text = said.partition("\n")
        messages = json.loads(line)["messages"]
        for last in messages[-1:]:
            last["content"]["text"] = text
        messages += json.loads(beside or "[]")
        self._answer.see(last_answer(messages))
        chat = self._on("change", component)[0]["outputs"][0]
        page = self._values[chat]
        asked = max(place for place, message in enumerate(page) if message["role"] == "user")
        self._values[chat] = [*page[: asked + 1], *messages]

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def last_answer(chat: list[dict[str, Any]]) -> str:
    """What the model has said to the last message."""
    said: list[str] = []
    for message in reversed(chat):
        if message["role"] == "user":
            break
        about = message.get("metadata") or {}
        if not (about.get("title") or about.get("id")):
            parts = message["content"]
            said += [part["text"] for part in (parts if isinstance(parts, list) else [parts])]
    return "".join(reversed(said))


def grow(outputs: list[Any], updates: list[list[tuple[str, list[Any], Any]]]) -> None:
    """Change what a step has yielded as Gradio tells it (gradio/utils.py, `diff`)."""
    for number, edits in enumerate(updates):
        for action, path, value in edits:
            *way, last = [number, *path]
            place: Any = outputs
            for key in way:
                place = place[key]
            match action:
                case "append":
                    place[last] += value
                case "delete":
                    del place[last]
                case "add" if isinstance(place, list):
                    place.insert(last, value)
                case _:
                    place[last] = value
