"""Text is text: what an answer's tags, diagrams and large results become on the page, and what is
copied from it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, expect

from tests.support.app_setup import launched, loaded
from tests.support.browser import ACTION_TIMEOUT, Page, Visitor, draws_diagrams, talk
from tests.support.fake_gemini import Call, FakeGemini, Think

pytestmark = pytest.mark.slow

ROWS = [{"id": number, "city": "Springfield", "note": "x" * 60} for number in range(1500)]


def look(city: str) -> dict[str, str]:
    """Look at a city."""
    return {"seen": city}


def find() -> list[dict[str, Any]]:
    """Find rows."""
    return ROWS


@pytest.fixture(scope="module")
def url(fake: FakeGemini) -> Iterator[str]:
    with launched(loaded(tools=[look, find])) as url:
        yield url


@pytest.fixture
def page(url: str, gemini: FakeGemini, visitor: Visitor) -> Page:
    return visitor().open(url)


def answer(page: Page) -> Locator:
    """The text of the last answer, without the panels."""
    return page.tab.locator("[data-testid=bot] .message-content").last


# An answer with all that models write.
MARKUP = """\
Use `List<int>` and <b>bold</b>, H<sub>2</sub>O, not <div class=x> or a < b; see <https://a.test/>.

```html
<div class="x">
```

    <indented>

| a | b |
|---|---|
| one<br>two | `<i>` |

<details><summary>More</summary>

Hidden *words*.

</details>

$$a<b$$
"""


def test_plain_tags_are_tags_and_all_others_are_shown_as_they_are_written(
    page: Page, gemini: FakeGemini
) -> None:
    talk(page, gemini, "Go on", MARKUP)
    said = answer(page)
    expect(said.locator(".katex")).to_have_count(1, timeout=ACTION_TIMEOUT)
    expect(said).to_contain_text("not <div class=x> or a < b; see https://a.test/.")
    codes = [code.strip() for code in said.locator("code").all_inner_texts()]
    assert codes == ["List<int>", '<div class="x">', "<indented>", "<i>"]
    assert said.locator("b").all_inner_texts() == ["bold"]
    assert said.locator("sub").all_inner_texts() == ["2"]
    assert said.locator("td").first.inner_text() == "one\ntwo"
    assert said.locator("a").get_attribute("href") == "https://a.test/"
    assert said.locator("annotation").text_content() == "a<b"
    expect(said.get_by_text("Hidden words.")).to_be_hidden()
    said.locator("summary").click()
    expect(said.get_by_text("Hidden words.")).to_be_visible()


def test_copying_an_answer_gives_it_in_the_models_very_characters(
    page: Page, gemini: FakeGemini
) -> None:
    text = MARKUP + "$$\\def\\a{b}\\a$$ \\<p> &lt;i>\n\n" + DIAGRAM
    gemini.enqueue(Think("Hm <i x>."), Call("look", {"city": "Oslo"}))
    talk(page, gemini, "Is <b> a tag?", "First <i x>.", Think("Hm."), text)
    assert page.copy_answer() == f"First <i x>.\n\n{text}"
    page.reload()
    page.wait_idle()
    assert page.copy_answer() == f"First <i x>.\n\n{text}"


# As models write them, and prices. The last one is too wide for a phone, the one before is wrong.
FORMULAS = r"""\
The root of **$x^2 = 2$** is \(\sqrt{2}\); it costs $5 and $10, or 5$; `$y$`, \$z$, $a_1_2$.

| a | b |
|---|---|
| $|x|$ | $3 |

> $$
> a < b \\
> c
> $$

- \[
  \frac{1}{2} + 11 + 12 + 13 + 14 + 15 + 16 + 17 + 18 + 19 + 20 + 21 + 22 + 23 + 24 + 25
  \]

שלום $w$ סוף

![A cat](https://pictures.test/cat.png)

```python
    x = "$y$"
```"""

# What is on the clipboard as formatted text.
FORMATTED = """async () => {
    const [item] = await navigator.clipboard.read()
    return (await item.getType('text/html')).text()
}"""


def test_text_is_laid_out_as_people_write_it_on_a_phone(
    url: str, gemini: FakeGemini, visitor: Visitor
) -> None:
    page = visitor(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).open(url)
    talk(page, gemini, "Go on", FORMULAS)
    said = answer(page)
    drawn = said.locator("annotation")
    expect(drawn).to_have_count(6, timeout=ACTION_TIMEOUT)
    assert [tex.strip()[:8] for tex in drawn.all_text_contents()] == [
        *("x^2 = 2", r"\sqrt{2}", "|x|", "%\u2063> \na <", r"\frac{1}", "w"),
    ]
    assert said.locator("td").all_text_contents()[1] == "$3"
    assert (
        said.locator("p")
        .first.inner_text()
        .endswith("it costs $5 and $10, or 5$; $y$, $z$, a_1_2.")
    )
    assert page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert said.locator("[dir=rtl] .katex").evaluate("f => getComputedStyle(f).direction") == "ltr"
    assert said.locator("p[dir=rtl]").evaluate("p => getComputedStyle(p).textAlign") == "start"
    wide = said.locator("li .katex-display")
    assert wide.evaluate("formula => formula.scrollWidth > formula.clientWidth")
    link = said.get_by_role("link", name="A cat")
    assert link.get_attribute("href") == "https://pictures.test/cat.png"
    label = "pre => getComputedStyle(pre, '::before').content"
    assert said.locator("pre").evaluate(label) == '"python"'
    size = said.locator(".copy_code_button").bounding_box()
    assert size
    assert min(size["width"], size["height"]) >= 44
    assert page.copy_answer("copy") == '    x = "$y$"'
    assert page.copy_answer() == FORMULAS
    formatted = page.tab.evaluate(FORMATTED)
    assert "<strong><span>$x^2 = 2$</span></strong> is <span>$\\sqrt{2}$</span>; it" in formatted
    assert "<button" not in formatted
    said.locator("p").first.select_text()
    page.tab.keyboard.press("Control+C")
    by_hand = page.tab.evaluate("navigator.clipboard.readText()").strip()
    assert by_hand.startswith(r"The root of $x^2 = 2$ is $\sqrt{2}$; it costs $5 and $10, or 5$;")
    page.complaints.clear()  # Of the picture, which is not loaded.


def test_copying_the_conversation_gives_what_was_said_by_whom(
    page: Page, gemini: FakeGemini
) -> None:
    gemini.enqueue(Think("Hm."), Call("look", {"city": "Oslo"}))
    talk(page, gemini, "Is <b> a tag?", "Yes, as <i x>.")
    talk(page, gemini, "Sure?", "Yes.")
    assert page.copy_answer("Copy conversation") == (
        "user: Is <b> a tag?\n\nassistant: Yes, as <i x>.\n\nuser: Sure?\n\nassistant: Yes."
    )


def test_what_is_marked_and_copied_by_hand_is_the_text_alone(
    page: Page, gemini: FakeGemini
) -> None:
    talk(page, gemini, "Is <b> a tag?", "Yes.")
    page.tab.locator("[data-testid=user] p").select_text()
    page.tab.keyboard.press("Control+C")
    assert page.tab.evaluate("navigator.clipboard.readText()").strip() == "Is <b> a tag?"


# The second one is in mermaid's language and the first one is not.
WRONG = "```mermaid\ngraph TD\n  A[Start (<b x>)] --> B\n```"
DIAGRAM = '```mermaid\ngraph TD\n  A["<b x> & <br>one"] --> B\n```'


@draws_diagrams
def test_a_diagram_is_drawn_and_a_wrong_one_shows_its_source(
    page: Page, gemini: FakeGemini
) -> None:
    talk(page, gemini, "Draw", f"{WRONG}\n\n{DIAGRAM}\n\nEnd of it.")
    source = answer(page).locator(".mermaid pre")
    expect(source).to_have_text("graph TD\n  A[Start (<b x>)] --> B", timeout=ACTION_TIMEOUT)
    expect(answer(page).locator(".mermaid small")).to_contain_text("cannot be drawn")
    drawn = answer(page).locator(".mermaid svg")
    expect(drawn).to_contain_text("<b x> & \n\none".replace("\n", ""), timeout=ACTION_TIMEOUT)
    expect(answer(page)).to_contain_text("End of it.")
    page.complaints.clear()  # Of mermaid's.


def test_a_diagram_is_its_source_where_gradio_would_not_draw_it(
    page: Page, gemini: FakeGemini
) -> None:
    page.tab.evaluate("gradio_config.version = '6.30.0'")
    talk(page, gemini, "Draw", f"{DIAGRAM}\n\nEnd of it.")
    said = answer(page)
    expect(said).to_contain_text("End of it.")
    expect(said.locator(".mermaid pre")).to_have_text('graph TD\n  A["<b x> & <br>one"] --> B')
    expect(said.locator(".mermaid small")).to_contain_text("cannot be drawn")
    assert page.copy_answer() == f"{DIAGRAM}\n\nEnd of it."


# Too many connections; too large a formula; too many tools.
HEAVY = {
    "a diagram": "```mermaid\ngraph TD\n" + "A-->B\n" * 450 + "```",
    "formulas": r"$$\def\a{xxxxxxxxxx}\def\b{\a\a\a\a\a\a\a\a\a\a}\b\b\b$$" * 100,
    "deep": "$$" + r"\sqrt{" * 250 + "x" + "}" * 250 + "$$",
}


@pytest.mark.parametrize("text", HEAVY.values(), ids=HEAVY)
def test_what_a_browser_cannot_bear_is_shown_as_it_is_written(
    page: Page, gemini: FakeGemini, text: str
) -> None:
    talk(page, gemini, "Draw", f"{text}\n\nEnd of it.")
    expect(answer(page)).to_contain_text("End of it.", timeout=ACTION_TIMEOUT)
    expect(answer(page).locator("code").first).to_be_visible()
    assert answer(page).locator("svg[id], .katex").count() == 0


def test_a_large_result_is_its_beginning_and_a_link_that_saves_it(
    page: Page, gemini: FakeGemini
) -> None:
    gemini.enqueue(Call("find", {}))
    talk(page, gemini, "Find", "Found.")
    page.tab.locator(".thought-group .title").click()
    saved = httpx.get(page.seen.get_by_text("Save all").evaluate("link => link.href"))
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert saved.text.count("Springfield") == len(ROWS)
    assert page.tab.locator("[role=log] *").count() < 3000


NOTE_LOOK = """title => {
    const panel = title.closest('.thought-group')
    return getComputedStyle(panel).borderLeftWidth
}"""


def test_the_apps_own_note_looks_like_nothing_of_a_models(page: Page, gemini: FakeGemini) -> None:
    gemini.enqueue(Think("**Note** x"), Call("__Note__", {}), Call("look", {"city": "**Note**"}))
    talk(
        page, gemini, "Go on", "<details open><summary>Note</summary>x</details>", Think("**Note**")
    )
    talk(page, gemini, "Go on")
    titles = page.tab.locator(".thought-group .title .md")
    looks = {title.inner_text().strip(): title.evaluate(NOTE_LOOK) for title in titles.all()}
    assert looks.pop("No answer came") == "4px"
    assert set(looks) == {"Thought", "Tool __Note__", "Tool look"}
    assert set(looks.values()) == {"0px"}


def test_an_answer_that_is_json_is_seen_and_copied_to_the_letter(
    page: Page, gemini: FakeGemini
) -> None:
    text = '{"ticket": "T-1", "note": "<b>*Fix* $x$</b>\\n", "tags": ["a", "b"]}'
    talk(page, gemini, "A ticket, please", text[:20], text[20:])
    assert answer(page).locator("code").inner_text().strip() == text
    assert page.copy_answer() == text
    page.reload()
    page.speaks()
    assert page.copy_answer() == text
