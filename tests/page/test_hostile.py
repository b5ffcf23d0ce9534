"""A model's text may be hostile: it calls nobody, covers nothing, and asks for nothing."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.app_setup import launched, loaded
from tests.support.browser import Page, Visitor
from tests.support.fake_gemini import Call, FakeGemini, Think
from tests.support.hostile_texts import ASKS, CALLS_OUT, COVERS, REACHES, STARVES
from tests.support.second_origin import SecondOrigin
from tests.support.thorough import sample

pytestmark = pytest.mark.slow

SEES = """() => {
    const at = (x, y) => document.elementFromPoint(x || 0, y || 0)
    const on = selector => {
        const box = document.querySelector(selector)?.getBoundingClientRect() ?? {}
        return at(box.x + box.width / 2, box.y + box.height / 2).closest(selector) !== null
    }
    const log = document.querySelector('[role=log]').getBoundingClientRect()
    const strays = []  // Places outside of the conversation where something of it is seen.
    for (let x = 5; x < innerWidth; x += 80) for (let y = 5; y < innerHeight; y += 40) {
        const inLog = x > log.left - 1 && x < log.right + 1 && y > log.top - 1 && y < log.bottom + 1
        if (!inLog && at(x, y)?.closest('[role=log]')) strays.push([x, y])
    }
    // Attributes of a model's own, but for those that its Markdown makes, or this page's scripts.
    const made = ['align', 'alt', 'class', 'href', 'rel', 'src', 'start', 'target', 'title']
        .concat(['data-language', 'dir', 'tabindex'])
    const drawn = '.katex, .katex *, .mermaid, .mermaid *, input'
    const reached = [...document.querySelectorAll('.message-content *')]
        .filter(part => part instanceof HTMLElement && !part.matches(drawn))
        .flatMap(part => part.getAttributeNames()).filter(name => !made.includes(name))
        .concat([...document.querySelectorAll('.message-content [name]')].map(() => 'name'))
    for (const name of ['createTextNode', 'createElement', 'querySelector', 'getElementById'])
        if (typeof document[name] !== 'function') reached.push(name)
    if (document.head?.tagName !== 'HEAD' || document.body?.tagName !== 'BODY') reached.push('body')
    const asks = 'form, input:not([type=checkbox]), textarea, select'
    return {
        box: on('[data-testid=textbox]'),
        title: on('h1'),
        sideBar: on('.toggle-button'),
        strays,
        wide: document.documentElement.scrollWidth > innerWidth,
        asks: [...document.querySelectorAll('[role=log] :is(' + asks + ')')]
            .filter(field => field.checkVisibility()).length,
        ran: window.xss ?? null,
        reached,
    }
}"""

UNHARMED = {"box": True, "title": True, "sideBar": True, "strays": [], "wide": False}
UNHARMED |= {"asks": 0, "ran": None, "reached": []}

# A picture of our own server: once that is asked for, so is all that stands before it.
END = "\n\n![end](/theme.css?the-end)"

PHONE = {"width": 390, "height": 844}

NAMES = [
    "![x](EVIL/name)",
    "<img src=EVIL/name>",
    "&lt;img src=EVIL/name&gt;",
    "[Read this](EVIL/name)",
    "EVIL/name and www.example.com and a@example.com",
    "$$\\rule{9999em}{9999em}$$",
    "`a`\n\n# b\n\n- c",
    "```mermaid\ngraph TD; A-->B\n```",
    "W" * 5000,
]


def look(city: str) -> dict[str, str]:
    """Look at a city."""
    return {"seen": city}


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded(tools=[look])) as url:
        yield url


@pytest.fixture(scope="module")
def page(url: str, chromium: Browser) -> Iterator[Page]:
    tab = chromium.new_page()
    yield Page(tab).open(url)
    tab.close()


def begin_anew(page: Page, gemini: FakeGemini) -> None:
    if page.texts():
        page.begin_anew()
    gemini.reset()


def say_everywhere(page: Page, gemini: FakeGemini, payload: str) -> None:
    """Have it said by the visitor, thought, given to a tool, answered by it, and said."""
    begin_anew(page, gemini)
    gemini.enqueue(Think(payload), Call("look", {"city": payload}))
    gemini.enqueue(payload + END)
    with page.tab.expect_request("**/theme.css?the-end"):
        page.send(payload)
    page.wait_idle()
    unfold(page)


def unfold(page: Page) -> None:
    for title in page.tab.locator(".thought-group .title").all():
        title.click()
    page.tab.evaluate("() => new Promise(requestAnimationFrame)")


def aimed(payload: str, there: SecondOrigin) -> str:
    return payload.replace("EVIL", there.url).replace("HOST", there.url.partition("//")[2])


def test_there_are_many_payloads() -> None:
    assert len({*CALLS_OUT, *COVERS, *ASKS}) >= 120


@pytest.mark.parametrize("payload", sample([*CALLS_OUT, *COVERS, *REACHES, *ASKS], 12))
def test_whatever_is_said_does_no_harm(
    page: Page, fake: FakeGemini, second_origin: SecondOrigin, payload: str
) -> None:
    home = page.tab.url
    say_everywhere(page, fake, aimed(payload, second_origin))
    assert page.tab.evaluate(SEES) == UNHARMED
    assert (second_origin.asked, page.tab.url, len(page.tab.context.pages)) == ([], home, 1)
    assert len(fake.requests) == 2


@pytest.mark.parametrize("name", sample(NAMES))
@pytest.mark.parametrize("tool", ["", "transfer_to_agent"])
def test_a_name_in_a_title_is_plain_words(
    page: Page, fake: FakeGemini, second_origin: SecondOrigin, name: str, tool: str
) -> None:
    name = aimed(name, second_origin)
    begin_anew(page, fake)
    fake.enqueue(Call(tool or name, {"agent_name": name}, id=name))
    fake.enqueue("Well." + END)
    page.send("Go on")
    page.wait_idle()
    unfold(page)
    title = next(who for who, _ in page.texts() if who not in ("user", "model"))
    assert title == f"{'Handing over to' if tool else 'Tool'} {' '.join(name.split())[:80].strip()}"
    assert page.tab.locator(".title :is(a, img, svg[id], .katex)").count() == 0
    assert (page.tab.evaluate(SEES), second_origin.asked) == (UNHARMED, [])


@pytest.mark.parametrize("payload", sample(STARVES))
def test_a_text_cannot_take_all_the_connections_to_the_server(
    url: str, chromium: Browser, fake: FakeGemini, payload: str
) -> None:
    tab = chromium.new_page()
    page = Page(tab).open(url)
    say_everywhere(page, fake, "".join(payload.replace("NUMBER", str(n)) for n in range(8)))
    fake.enqueue("Still here.")
    page.send("Are you there?")
    page.wait_idle()
    assert page.words()[-1] == ("model", "Still here.")
    tab.close()


@pytest.mark.parametrize("options", [{"color_scheme": "dark"}, {"viewport": PHONE}], ids=str)
def test_nor_in_the_dark_nor_on_a_phone_nor_after_a_reload(
    url: str, visitor: Visitor, fake: FakeGemini, second_origin: SecondOrigin, options: Any
) -> None:
    page = visitor(**options).open(url)
    say_everywhere(page, fake, aimed("\n\n".join([*COVERS[:5], *ASKS]), second_origin))
    assert page.tab.evaluate(SEES) == UNHARMED
    page.tab.reload()
    page.wait_idle()
    assert page.tab.evaluate(SEES) == UNHARMED
    assert second_origin.asked == []


def test_the_hosts_description_calls_nobody_either(
    fake: FakeGemini, chromium: Browser, second_origin: SecondOrigin
) -> None:
    text = aimed("\n\n".join(CALLS_OUT[:40]), second_origin)
    tab = chromium.new_page()
    with launched(replace(loaded(), description=text + END)) as url:
        with tab.expect_request("**/theme.css?the-end"):
            Page(tab).open(url)
        tab.close()
    assert (second_origin.asked, fake.requests) == ([], fake.requests)


def test_the_plain_page_shows_it_all_as_text(
    url: str, chromium: Browser, fake: FakeGemini, second_origin: SecondOrigin
) -> None:
    fake.reset()
    text = aimed("\n\n".join([*CALLS_OUT, *COVERS, *ASKS]), second_origin)
    fake.enqueue(Think(text), Call(text, {text: text}))
    fake.enqueue(text)
    tab = chromium.new_page()
    tab.goto(f"{url}chat/plain")
    tab.get_by_label("Your message").fill(text[:4000])
    tab.keyboard.press("Enter")
    tab.locator("#send:not([hidden])").wait_for()
    tags = tab.evaluate("[...document.querySelectorAll('#conversation *')].map(e => e.tagName)")
    assert (set(tags) <= {"H2", "P", "DIV"}, len(tags) > 3) == (True, True)
    assert (second_origin.asked, tab.evaluate("window.xss ?? null")) == ([], None)
    tab.close()


def test_without_a_security_policy_the_bait_is_taken(
    chromium: Browser, second_origin: SecondOrigin
) -> None:
    tab = chromium.new_page()
    with tab.expect_request_finished():
        tab.set_content(f"<img src={second_origin.url}/bait>")
    tab.close()
    assert "/bait" in second_origin.asked


def test_arguments_beside_a_title_are_shown_to_the_letter(page: Page, fake: FakeGemini) -> None:
    begin_anew(page, fake)
    fake.enqueue(Call("look", {"city": 'it\'s <b>Oslo</b> & "so"'}))
    fake.enqueue("Well.")
    page.send("Look")
    page.wait_idle()
    beside = page.tab.locator(".thought-group .title .duration")
    assert beside.inner_text().startswith(r"""city="it's <b>Oslo</b> & \"so\"" (""")
    assert beside.locator("b").count() == 0
