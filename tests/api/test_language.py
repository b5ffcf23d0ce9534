"""In which language a request is answered: the page's, a program's, the agent's."""

from collections.abc import Iterator

import httpx
import pytest

from agent.core.language import COOKIE
from agent.core.notices import SENTENCES
from tests.support.app_setup import launched, loaded
from tests.support.scripted_model import scripted

pytestmark = pytest.mark.slow

# The model of the agent, which is told by its instruction in which language its visitor reads.
MODEL = scripted(("Hi",), ("Hi",))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The page of an agent that wants to know the language."""
    with launched(loaded(MODEL, instruction="Answer in {temp:language?}.")) as url:
        yield url


def test_the_page_is_in_the_language_that_was_chosen_or_that_the_browser_asks_for(url: str) -> None:
    chosen = {"Accept-Language": "de", "Cookie": f"a=b; {COOKIE}=ar"}
    for headers, tag, direction, placeholder in [
        ({"Accept-Language": "de-AT,de;q=0.9,en;q=0.8"}, "de", "ltr", "Nachricht …"),
        (chosen, "ar", "rtl", "اكتب رسالة…"),
        ({}, "en", "ltr", "Type a message..."),
    ]:
        page = httpx.get(url, headers=headers)
        assert f'<html lang="{tag}" dir="{direction}"' in page.text
        assert f'"placeholder":"{placeholder}"' in page.text
        assert page.headers["Content-Language"] == tag
        assert "Accept-Language, Cookie" in page.headers["Vary"]


def test_other_pages_are_too(url: str) -> None:
    french = {"Accept-Language": "fr"}
    assert "n’est pas partagée" in httpx.get(f"{url}shared/none", headers=french).text
    signed_in = httpx.get(f"{url}signed-in", headers=french).text
    assert '<html lang="fr" dir="ltr">' in signed_in
    assert "<h1>Retour de la connexion</h1>" in signed_in


def test_a_program_is_told_in_english_unless_it_asks(url: str) -> None:
    blank = {"query": " "}
    german = httpx.post(f"{url}chat/stream", json=blank, headers={"Accept-Language": "de"}).text
    assert "Bitte schreib zuerst eine Nachricht." in german
    assert SENTENCES["no_message"] in httpx.post(f"{url}chat/stream", json=blank).text


def test_an_agent_may_know_the_language(url: str) -> None:
    for wanted, told in (("ja", "Answer in ja."), ("*", "Answer in en.")):
        headers = {"Accept-Language": wanted}
        httpx.post(f"{url}chat/stream", json={"query": "Hi"}, headers=headers).raise_for_status()
        assert told in str(MODEL.requests[-1].config.system_instruction)


def test_so_is_what_no_route_is_asked_for(url: str) -> None:
    headers = {"Accept-Language": "de", "Origin": "https://evil.example"}
    refused = httpx.get(f"{url}chat/stream", params={"message": "Hi"}, headers=headers)
    assert refused.status_code == 403
    assert "von einer anderen Website" in refused.text
