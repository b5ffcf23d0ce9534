"""The page of a folder of agents: each has its own address, title, examples and chats there."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, expect

from agent.core.notices import SENTENCES
from tests.support.agent_folder import BROKEN, write_agents
from tests.support.app_process import App
from tests.support.browser import ACTION_TIMEOUT, Bubble, Page, Visitor, talk
from tests.support.fake_gemini import FakeGemini

pytestmark = pytest.mark.slow

BILLING: list[Bubble] = [("user", "A bill"), ("model", "Paid.")]
WEATHER: list[Bubble] = [("user", "Rain?"), ("model", "No rain.")]

PHONE = {"viewport": {"width": 390, "height": 750}, "has_touch": True, "is_mobile": True}

# Pixels: as high as what a thumb meets (https://www.w3.org/TR/WCAG22/#target-size-enhanced).
THUMB = 44


@pytest.fixture(scope="module")
def app(fake: FakeGemini, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    path = write_agents(tmp_path_factory.mktemp("agents"), "billing", "the_weather", ailing=BROKEN)
    app = App(str(path), SESSION_DB="")
    yield app
    app.end()


def picker(page: Page) -> Locator:
    return page.tab.get_by_role("combobox", name="Agent")


def choose(page: Page, name: str) -> None:
    """Choose an agent, and wait until one can type to it."""
    picker(page).click()
    with page.tab.expect_navigation():
        page.tab.get_by_role("option", name=name).click()
    is_at(page, name)
    page.wait_idle()


def is_at(page: Page, name: str, mark: str = "") -> None:
    """Wait until the page says everywhere that it is this agent's; the picker with a mark."""
    expect(page.tab.get_by_role("heading", name=name, exact=True)).to_be_visible(
        timeout=ACTION_TIMEOUT
    )
    expect(page.tab).to_have_title(name)
    expect(picker(page)).to_have_value(f"{name}{mark}")
    address = name.lower().replace(" ", "_")
    look = page.tab.locator("link[rel=icon], link[rel=manifest], link[href$='style.css']")
    expect(look).to_have_count(3)
    for link in look.all():
        expect(link).to_have_attribute("href", re.compile(rf"^\./look/{address}/"))
    expect(page.tab).to_have_url(re.compile(rf"\?agent={address}$"))


def test_each_agent_has_its_own_page_and_chats(
    app: App, visitor: Visitor, gemini: FakeGemini
) -> None:
    page = visitor().open(app.url)
    is_at(page, "Billing")
    talk(page, gemini, "A bill", "Paid.")
    page.box.fill("And another")
    choose(page, "The weather")
    page.shows()
    expect(page.box).to_have_value("")
    expect(page.tab.locator(".about")).to_contain_text("All about the_weather.")
    gemini.enqueue("No rain.")
    page.click_example("Ask the_weather")
    page.shows(("user", "Ask the_weather"), ("model", "No rain."))
    page.wait_idle()
    page.reload()
    is_at(page, "The weather")
    page.shows(("user", "Ask the_weather"), ("model", "No rain."))
    page.open_side_bar()
    page.lists("Ask the_weather")
    choose(page, "Billing")
    page.shows(*BILLING)
    expect(page.box).to_have_value("And another")
    instructions = [str(request.body["systemInstruction"]) for request in gemini.requests]
    assert ["billing" in instructions[0], "the_weather" in instructions[1]] == [True, True]


def test_a_link_to_an_agent_is_shown_as_that_agents(app: App) -> None:
    for name, title in (("billing", "Billing"), ("x", "Billing"), ("the_weather", "The weather")):
        shown = httpx.get(f"{app.url}?agent={name}").text
        assert f'<meta property="og:title" content="{title}" />' in shown
    # The last one may not have been loaded before.
    assert f'content="{app.url}?agent=the_weather"' in shown
    look = f"{app.url}look/the_weather"
    assert "./look/the_weather/style.css" in shown
    assert "--accent: #000080;" in httpx.get(f"{look}/style.css").text
    manifest = httpx.get(f"{look}/manifest.json").json()
    assert (manifest["name"], manifest["start_url"]) == ("The weather", "../../?agent=the_weather")


@pytest.mark.thorough
def test_each_window_keeps_its_agent_also_when_the_app_is_started_again(
    app: App, visitor: Visitor, gemini: FakeGemini
) -> None:
    page = visitor().open(app.url)
    talk(page, gemini, "A bill", "Paid.")
    other = page.another()
    choose(other, "The weather")
    talk(other, gemini, "Rain?", "No rain.")
    last = Page(page.tab.context.new_page()).open(app.url)
    is_at(last, "The weather")  # As this browser has had it last.
    last.shows(*WEATHER)
    last.tab.close()
    for tab in (page, other):
        tab.wait_idle()
    app.end()
    app.start()
    talk(page, gemini, "And now?", "Still paid.")
    page.shows(*BILLING, ("user", "And now?"), ("model", "Still paid."))
    talk(other, gemini, "And now?", "Still none.")
    other.shows(*WEATHER, ("user", "And now?"), ("model", "Still none."))
    is_at(other, "The weather")
    # Agents that nobody has asked for since the start are known all the same.
    other.open_side_bar()
    other.forget()
    other.shows()
    other.lists()
    choose(other, "Billing")
    other.shows()
    page.complaints.clear()  # Gradio's, of the time without a server.
    other.complaints.clear()


def test_the_first_one_fails_and_says_so_and_the_page_opens_with_the_next(
    app: App, visitor: Visitor, gemini: FakeGemini
) -> None:
    assert "pip install no-such-module-at-all" in "".join(app.said)
    page = visitor().open(f"{app.url}?agent=ailing")
    is_at(page, "Ailing", " (could not be loaded)")
    expect(page.tab.locator(".about pre")).to_contain_text("pip install no-such-module-at-all")
    page.send("Hi")
    expect(page.tab.get_by_test_id("toast-body")).to_contain_text(SENTENCES["being_mended"])
    page.wait_idle()
    choose(page, "Billing")
    talk(page, gemini, "A bill", "Paid.")
    page.shows(*BILLING)


def test_an_unknown_agent_is_told_with_those_that_there_are(app: App, visitor: Visitor) -> None:
    page = visitor(**PHONE).open(f"{app.url}?agent=<b>x</b>")
    expect(page.tab.locator("#said")).to_have_text(
        "There is no agent called “<b>x</b>” here. There are: ailing, billing, the_weather."
    )
    is_at(page, "Billing")


AROUND = "https://huggingface.co/spaces/somebody/something"

LISTEN = """<iframe src="{url}?agent=the_weather&__sign=token"></iframe>
<script>
    const told = []
    addEventListener("message", ({{data}}) => {{ if (data.queryString) told.push(data) }})
</script>"""


@pytest.fixture
def space(fake: FakeGemini, tmp_path: Path) -> Iterator[App]:
    path = write_agents(tmp_path, "billing", "the_weather")
    app = App(str(path), SESSION_DB="", SYSTEM="spaces")
    yield app
    app.end()


def test_the_page_around_a_space_hears_which_agent_it_shows(space: App, visitor: Visitor) -> None:
    page = visitor()
    # Else Chromium keeps a public site's frames from this machine.
    page.tab.context.grant_permissions(["local-network-access"])
    outer = LISTEN.format(url=space.url)
    page.tab.route(AROUND, lambda route: route.fulfill(body=outer, content_type="text/html"))
    page.tab.goto(AROUND)
    page.tab.wait_for_function("told.length > 0", timeout=ACTION_TIMEOUT)
    inner = page.tab.frame_locator("iframe")
    inner.get_by_role("combobox", name="Agent").click()
    inner.get_by_role("option", name="Billing").click()
    page.tab.wait_for_function("told.length > 1", timeout=ACTION_TIMEOUT)
    assert page.tab.evaluate("told") == [
        {"queryString": "agent=the_weather"},
        {"queryString": "agent=billing"},
    ]
    page.tab.goto("about:blank")
    page.complaints.clear()  # Of a frame without a visitor's storage, and that it was left.


def test_on_a_phone_a_thumb_meets_the_picker_and_its_agents(app: App, visitor: Visitor) -> None:
    page = visitor(**PHONE).open(app.url)
    button, field = (page.tab.locator(part).bounding_box() for part in ("#new-chat", "#agents"))
    assert button
    assert field
    assert button["x"] + button["width"] <= field["x"]
    picker(page).tap()
    targets = [page.tab.locator("#agents .wrap:has([role=combobox])"), *options(page)]
    heights = [box["height"] for target in targets if (box := target.bounding_box())]
    assert len(heights) == 4
    assert round(min(heights), 1) >= THUMB
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= 390


def options(page: Page) -> list[Locator]:
    found = page.tab.get_by_role("listbox").get_by_role("option")
    expect(found).to_have_count(3)
    return found.all()
