"""Sign-in with Hugging Face, on a Space: its provider is another one on this machine."""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.support.app_process import App
from tests.support.browser import ACTION_TIMEOUT, Page
from tests.support.fake_openid import ANN, BOB, Account, FakeOpenID

pytestmark = pytest.mark.slow

READER = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeOpenID]:
    with FakeOpenID() as provider:
        yield provider


@contextmanager
def on_a_space(provider: FakeOpenID, sign_in: str, **settings: str) -> Iterator[App]:
    """A Space's app, with no other limits than these."""
    none = dict.fromkeys(("VISITOR_PER_MINUTE", "ADDRESS_PER_MINUTE", "ADDRESS_RUNNING"), "0")
    app = App(**{**provider.environment, **none, "SIGN_IN": sign_in, **settings})
    try:
        yield app
    finally:
        app.end()


def ask(url: str, session_id: str | None = None, cookie: str = "") -> httpx.Response:
    asked = {"query": "What is 12*7?", "session_id": session_id}
    headers = {"Cookie": f"session={cookie}"}
    return httpx.post(f"{url}chat/stream", json=asked, headers=headers, timeout=30)


def session_of(answer: httpx.Response) -> str:
    return str(re.findall(r'"session_id": ?"([0-9a-f-]{36})"', answer.text)[0])


def signed_in(url: str, provider: FakeOpenID, who: Account, path: str) -> tuple[str, str]:
    """The cookie of a browser in which that person has signed in, and where that has led it."""
    provider.person, cookie, at = who, "", httpx.URL(url).join(path)
    while True:
        answer = httpx.get(at, headers={"Cookie": f"session={cookie}", **READER}, timeout=30)
        cookie = answer.cookies.get("session") or cookie
        if not answer.is_redirect:
            return cookie, str(at)
        at = at.join(answer.headers["location"])


def session_cookie(page: Page) -> str:
    cookies = {cookie["name"]: cookie["value"] for cookie in page.tab.context.cookies()}
    return cookies["session"]


def say(page: Page, question: str) -> None:
    page.send(question)
    page.wait_idle()


@pytest.fixture(scope="module")
def url(provider: FakeOpenID) -> Iterator[str]:
    """Of a page where everybody has to sign in."""
    with on_a_space(provider, "huggingface required") as app:
        yield app.url


@pytest.mark.thorough
def test_where_it_is_required_the_page_leads_there_and_nobody_else_is_answered(
    url: str, provider: FakeOpenID
) -> None:
    shown = httpx.get(url, headers=READER)
    assert shown.status_code == 200
    assert "Sign in with Hugging Face" in shown.text
    assert httpx.get(f"{url}shared/1?x=1", headers=READER).status_code == 401
    for path in ("", "config", "chat/plain", "gradio_api/info", "shared/1"):
        refused = httpx.get(url + path)
        assert refused.status_code == 401, path
        assert "sign in" in refused.json()["detail"]
    assert ask(url).status_code == 401
    assert ask(url, cookie="made-up").status_code == 401
    assert httpx.get(f"{url}healthz").status_code == 200
    assert httpx.post(f"{url}login").status_code == 404  # Of Gradio's form.
    [link] = re.findall(r'href="([^"]+)"', shown.text)
    cookie, at = signed_in(url, provider, ANN, link)
    assert at == url
    assert ask(url, cookie=cookie).status_code == 200


def test_a_person_is_known_by_the_accounts_number_and_another_of_that_name_is_not(
    url: str, provider: FakeOpenID
) -> None:
    def cookie_of(who: Account) -> str:
        return signed_in(url, provider, who, "login/huggingface")[0]

    session_id = session_of(ask(url, cookie=cookie_of(ANN)))
    assert session_of(ask(url, session_id, cookie_of(ANN))) == session_id
    for other in (BOB, Account(BOB.sub, ANN.name)):
        assert ask(url, session_id, cookie_of(other)).status_code == 404


def test_no_token_of_a_persons_is_kept_and_what_is_cannot_be_changed(
    url: str, provider: FakeOpenID
) -> None:
    cookie, at = signed_in(url, provider, ANN, "login/huggingface?agent=x")
    assert at == f"{url}?agent=x"
    kept = base64.b64decode(cookie.partition(".")[0]).decode()
    assert ANN.sub in kept
    assert provider.tokens
    assert not any(token in kept for token in provider.tokens)
    forged = base64.b64encode(kept.replace(ANN.sub, BOB.sub).encode()).decode()
    assert ask(url, cookie=f"{forged}.{cookie.partition('.')[2]}").status_code == 401


def test_pages_of_other_sites_sign_nobody_out_but_hugging_face_leads_back(url: str) -> None:
    from_elsewhere = {"Sec-Fetch-Site": "cross-site", **READER}
    assert httpx.get(f"{url}logout", headers=from_elsewhere).status_code == 403
    # Without what it was asked for, it begins anew.
    back = httpx.get(f"{url}login/callback?code=x&state=y", headers=from_elsewhere)
    assert (back.status_code, back.headers["location"][:18]) == (307, "/login/huggingface")


def test_a_persons_chats_are_found_on_a_second_machine_and_by_nobody_else(
    provider: FakeOpenID, chromium: Browser
) -> None:
    # As a Space's page it asks huggingface.co about that, and complains that it may not.
    def come() -> Page:
        return Page(chromium.new_context().new_page()).open(app.url)

    def sign_in(page: Page, who: Account) -> None:
        provider.person = who
        page.open_side_bar()
        page.tab.get_by_role("link", name="Sign in with Hugging Face").click()
        expect(page.box).to_be_editable(timeout=ACTION_TIMEOUT)
        page.open_side_bar()
        expect(page.tab.get_by_text(f"Signed in as {who.name}")).to_be_visible()

    with on_a_space(provider, "huggingface", VISITOR_PER_DAY="3") as app:
        first, second, bobs = (come() for _ in range(3))
        say(first, "What is 1*2?")  # Before signing in, which is another visitor.
        sign_in(first, ANN)
        first.lists()
        say(first, "What is 12*7?")
        first.lists("What is 12*7?")
        ask(app.url, cookie=session_cookie(first))  # By a program, which is still she.

        sign_in(second, ANN)
        second.lists("What is 12*7?", "What is 12*7?")
        say(second, "What is 2*3?")
        second.send("What is 3*4?")
        second.wait_idle()
        assert second.texts()[-1][0] == "Too many messages"

        sign_in(bobs, BOB)
        bobs.lists()
        say(bobs, "What is 5*6?")
        bobs.lists("What is 5*6?")

        # Another tab of hers is told, and what was typed there stays.
        tab = Page(first.tab.context.new_page()).open(app.url)
        first.tab.get_by_role("link", name="Sign out").click()
        expect(first.box).to_be_editable(timeout=ACTION_TIMEOUT)
        first.open_side_bar()
        first.lists("What is 1*2?")
        assert first.words()[0] == ("user", "What is 1*2?")
        tab.box.fill("And now?")
        tab.box.press("Enter")
        expect(tab.tab.get_by_text("reload the page to go on")).to_be_visible()
        expect(tab.box).to_have_value("And now?")
        for page in (first, second, bobs):
            page.tab.context.close()  # Before the server ends, of which it would complain.
