"""Pages of other sites in a real browser: they cannot make the agent work, unless it is allowed."""

from collections.abc import Iterator

import pytest

from tests.support.app_setup import launched, loaded
from tests.support.browser import Page, Visitor
from tests.support.fake_gemini import FakeGemini
from tests.support.second_origin import SecondOrigin
from tests.support.thorough import sample

pytestmark = pytest.mark.slow

# All the ways in which a page can have its reader's browser send something elsewhere.
TRY_ALL = """async url => {
    const ask = `${url}chat/stream?query=Hi`
    const body = JSON.stringify({query: "Hi", data: ["Hi"]})
    const settled = []
    for (const mode of ["no-cors", "cors"]) {
        settled.push(fetch(ask, {mode, credentials: "include"}))
        for (const path of ["chat/stream", "gradio_api/call/chat", "gradio_api/run/chat"]) {
            settled.push(fetch(url + path, {mode, method: "POST", body}))
        }
    }
    const json = {"Content-Type": "application/json"}
    settled.push(fetch(`${url}chat/stream`, {method: "POST", body, headers: json}))
    settled.push(fetch(ask, {referrerPolicy: "no-referrer", mode: "no-cors"}))
    settled.push(new Promise(end => { new EventSource(ask).onerror = end }))
    for (const [tag, name] of [["img", "src"], ["script", "src"], ["iframe", "src"],
                               ["video", "src"], ["object", "data"], ["embed", "src"]]) {
        const element = document.createElement(tag)
        element[name] = ask
        settled.push(new Promise(end => {
            element.onerror = element.onload = end
            setTimeout(end, 1000)
        }))
        document.body.append(element)
    }
    for (const rel of ["prefetch", "preload", "stylesheet", "icon", "prerender"]) {
        const link = Object.assign(document.createElement("link"), {rel, href: ask, as: "fetch"})
        document.head.append(link)
    }
    const frame = Object.assign(document.createElement("iframe"), {name: "frame"})
    const form = Object.assign(document.createElement("form"), {
        action: `${url}gradio_api/call/chat`, method: "POST", enctype: "text/plain", target: "frame"
    })
    const field = {name: '{"data":["Hi', value: '"]}'}
    form.append(Object.assign(document.createElement("input"), field))
    document.body.append(frame, form)
    form.submit()
    navigator.sendBeacon(`${url}gradio_api/call/chat`, body)
    await Promise.allSettled(settled)
    await new Promise(end => setTimeout(end, 1000))
}"""

READ = """async url => (await fetch(`${url}chat/stream`, {
    method: "POST",
    body: JSON.stringify({query: "Hi"}),
    headers: {"Content-Type": "application/json"},
})).text()"""

LISTEN = """url => new Promise(end => {
    const source = new EventSource(`${url}chat/stream?query=Hi`)
    let said = ""
    source.onmessage = ({data}) => {
        if (data !== "[DONE]") { said += JSON.parse(data).text; return }
        source.close()
        end(said)
    }
    source.onerror = () => end("An error.")
})"""


@pytest.fixture
def stranger(visitor: Visitor, second_origin: SecondOrigin) -> Iterator[Page]:
    """A page of another site, open in a visitor's browser."""
    page = visitor()
    page.tab.goto(second_origin.url)
    yield page
    page.complaints.clear()  # Of all that it was not allowed.


@pytest.mark.parametrize("name", sample(["127.0.0.1", "localhost"]))
def test_another_site_cannot_make_the_agent_work(
    gemini: FakeGemini, stranger: Page, name: str
) -> None:
    gemini.always("Hello.")
    with launched(loaded()) as url:
        stranger.tab.evaluate(TRY_ALL, url.replace("127.0.0.1", name))
        assert gemini.requests == []
        page = stranger.another().open(url)
        page.send("Hi")
        page.shows(("user", "Hi"), ("model", "Hello."))
        page.wait_idle()
        page.tab.close()


def test_an_allowed_site_asks_and_reads_the_answer(
    gemini: FakeGemini, stranger: Page, second_origin: SecondOrigin
) -> None:
    gemini.always("Hello.")
    with launched(loaded(), allowed_origins=second_origin.url) as url:
        assert '{"text": "Hello."}' in stranger.tab.evaluate(READ, url)
        assert stranger.tab.evaluate(LISTEN, url) == "Hello."


def test_a_page_in_a_frame_of_another_site_is_the_apps_own(
    gemini: FakeGemini, stranger: Page, second_origin: SecondOrigin
) -> None:
    gemini.always("Hello.")
    with launched(loaded(), embed_on=second_origin.url) as url:
        stranger.tab.set_content(f'<iframe src="{url}chat/plain"></iframe>')
        frame = stranger.tab.frame_locator("iframe")
        frame.get_by_label("Your message").fill("Hi")
        frame.get_by_role("button", name="Send").click()
        frame.get_by_text("Hello.").wait_for()
        assert len(gemini.requests) == 1
        assert '{"text": "Hello."}' in stranger.tab.frames[-1].evaluate(READ, url)
        stranger.tab.set_content("")
