"""What runs in the browser, and how it looks there."""

import json

from agent.core.notices import SENTENCES
from agent.page.controls import BUSY, IDLE
from agent.render.messages import JOINER

GIVEN = f"""const busy = {json.dumps(BUSY)}, idle = {json.dumps(IDLE)};
    const same = {{__type__: "update"}}, hint = {json.dumps(SENTENCES["no_message"])};
    const isOnItsWay = asked => asked !== null && asked.number !== window.put;
    const questions = page => page.flatMap(({{role}}, place) => role === "user" ? [place] : []);
    const literal = text => text.replace(/<(?=[a-z/!?])/gi, "<{JOINER}");
    const words = ({{content}}) => (
        content.map(part => part.text).join("").replaceAll("<{JOINER}", "<")
    );
    const keep = unsent => (
        setTimeout(() => history.replaceState({{...history.state, unsent}}, ""))
    );"""
"""How the text box is, nothing new, what is said to an empty message, whether what was asked is yet
to be put on the page, where the visitor's messages are on it, how one is shown
(`messages.to_question`), and what it says; and how the browser keeps one that the server has not
got yet, which takes a millisecond that nobody need wait for. For the scripts that begin with it."""

ASK = """(text, page, asked) => {
    GIVEN
    text = text.replaceAll("\\0", "").replace(/\\p{Surrogate}/gu, "\ufffd");
    const isBlank = !text.trim(), isAgain = performance.now() - window.askedAt < 500;
    if (isOnItsWay(asked) || (isBlank && isAgain)) return [same, same];
    if (isBlank) return [same, {...same, value: "", placeholder: hint}];
    window.askedAt = performance.now();
    keep(text);
    const count = questions(page).length;
    return [{text, number: Math.random(), count}, {...busy, value: ""}];
}""".replace("GIVEN", GIVEN)
"""What is typed, as what is asked, below so many turns. Its number tells it from the same words
another time. The browser keeps it until the server has it: where the line is down, Gradio loads the
page anew. A key that is pressed twice asks once."""

RETRY = """(page, asked) => {
    GIVEN
    if (isOnItsWay(asked)) return [same, same];
    const places = questions(page), text = words(page[places.at(-1)]);
    return [{text, number: Math.random(), count: places.length - 1}, busy];
}""".replace("GIVEN", GIVEN)
"""Asks the visitor's last message again."""

EDIT = """({text, place}, page) => {
    GIVEN
    const count = questions(page.slice(0, place)).length;
    return [{text, number: Math.random(), count}, busy];
}""".replace("GIVEN", GIVEN)
"""Asks the message at that place anew, in other words."""

TAKE_BACK = """page => {
    GIVEN
    const last = questions(page).at(-1);
    if (last === undefined) return [page, idle];
    return [page.slice(0, last), {...idle, value: words(page[last])}];
}""".replace("GIVEN", GIVEN)
"""Puts the visitor's last message back into the text box."""

PUT = """async (asked, page) => {
    GIVEN
    if (!isOnItsWay(asked)) return [same];
    window.put = asked.number;
    await new Promise(sent => setTimeout(sent));
    const end = questions(page)[asked.count] ?? page.length;
    const content = [{type: "text", text: literal(asked.text)}];
    const question = {role: "user", content, metadata: null, options: null};
    return [[...page.slice(0, end), question]];
}""".replace("GIVEN", GIVEN)
"""Puts what is asked on the page, below as many turns as it says; those after them go. It waits a
moment, so that it is sent before it is drawn."""

GIVE_BACK = """(asked, page) => {
    GIVEN
    if (page.at(-1)?.role !== "user") return [page, idle];
    return [page.slice(0, -1), {...idle, value: asked.text}];
}""".replace("GIVEN", GIVEN)
"""Puts what was asked in vain back into the text box, which is there again in any case."""

LOCK = """() => ({__type__: "update", interactive: false})"""
"""Has nobody type for a moment."""

SHOW = """(told, asked, page) => {
    GIVEN
    const ticks = active => ({...same, active}), nothing = [same, same, same, ticks(false)];
    if (told === window.shown) return nothing;
    if (performance.now() < window.rested) return [same, same, same, ticks(true)];
    const [line, ...text] = told.split("\\n");
    const answer = JSON.parse(line);
    const places = questions(page);
    const isOther = answer.number !== asked?.number || places.length !== asked.count + 1;
    if (isOther) return nothing;
    window.shown = told;
    window.rested = performance.now() + 1000;
    requestAnimationFrame(drawing => setTimeout(() => {
        const cost = performance.now() - drawing;
        window.rested = performance.now() + Math.max(0, cost - 25);
    }));
    if (history.state?.unsent) keep("");
    if (answer.messages.length) answer.messages.at(-1).content.text = text.join("\\n");
    const whole = ({content, ...rest}) => (
        {metadata: null, options: null, ...rest, content: [content]}
    );
    const [visitor, place] = answer.where ?? [same, same];
    const shown = [...page.slice(0, places.at(-1) + 1), ...answer.messages.map(whole)];
    return [shown, visitor, place, ticks(false)];
}""".replace("GIVEN", GIVEN)
"""Puts what has come of the visitor's last message below it, unless something else has been asked
since, or another chat is there. So the server is told nothing of what is on the page, and sends no
more than what is new.

To draw a long chat takes a slow phone longer than the next words are on their way: by itself it
would fall behind by the second. So it rests after each time for as long as that took, but for 25
ms; what comes meanwhile is shown later (`States.late`). A page that nobody looks at is drawn once a
second."""

WAKE = """() => { window.rested = 0 }"""
"""Has SHOW rest no more: the end of an answer waits for nobody."""

END = """(over, asked) => {
    GIVEN
    return over !== null && over === asked?.number ? idle : same;
}""".replace("GIVEN", GIVEN)
"""Has one type again when that answer is over."""

UNSENT = """typed => typed || (history.state?.unsent ?? '')"""
"""Has what the server never had typed again."""

REST = f"() => ({json.dumps(IDLE)})"
"""Has one type again."""

FOLD = """(...given) => {
    if (innerWidth < 768) document.querySelector(".sidebar.open .toggle-button")?.click();
    return given;
}"""
"""On a phone the side bar covers the chat that has just been opened."""

IF_OPEN = """() => document.querySelector(".sidebar.open") ? String(Math.random()) : ''"""
"""Another value each time, but none where the side bar is folded: nobody need be asked what is in
it then."""

WHERE = """(visitor, place) => [visitor, history.state?.place ?? ""]"""
"""Which conversation was on the page, for one that is loaded again."""

PLACE = """place => history.replaceState({...history.state, place}, "")"""
"""Has the browser know that of each window, for as long as it is open; it shows it nowhere."""

HERE = """(...given) => [
    ...given.slice(0, -1), location.href.split(/[?#]/)[0].replace(/[/]?$/, "/")
]"""
"""Fills in, last, where the browser has found this page, whatever proxies there are."""

SAVE = """file => {
    if (file === null) return null
    const link = document.createElement("a")
    link.href = URL.createObjectURL(new Blob([file.text]))
    link.download = file.name
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 60000)
    return null
}"""
"""Has the browser save what it has been sent: so the server keeps no file, and needs no address
for one that others could find."""

FOLLOW = """() => {
    const follow = log => {
        let atEnd = true, asked = 0, moved = 0;
        const stay = () => {
            const questions = log.querySelectorAll("[data-testid=user]").length;
            atEnd = atEnd || questions > asked;
            asked = questions;
            if (atEnd && questions) log.scrollTop = log.scrollHeight;
        };
        log.addEventListener("scroll", () => {
            const isNear = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
            atEnd = isNear || (atEnd && Date.now() - moved > 1000);
        });
        const byHand = () => { moved = Date.now() };
        addEventListener("wheel", byHand, {passive: true});
        addEventListener("touchmove", byHand, {passive: true});
        addEventListener("keydown", event => /Up|Home/.test(event.key) && byHand());
        // The scroll bar is no part of what is in the log.
        log.addEventListener("pointerdown", event => event.target === log && byHand());
        const sizes = new ResizeObserver(stay);
        const watch = () => [log, ...log.children].forEach(part => sizes.observe(part));
        new MutationObserver(watch).observe(log, {childList: true});
        watch();
    };
    const log = document.querySelector("[role=log]");
    if (log) follow(log);
    document.addEventListener("click", event => {
        const link = event.target.closest("[role=log] :is(a, area)");
        link?.setAttribute("target", "_blank");
        link?.setAttribute("rel", "noopener noreferrer");
    }, true);
    const box = document.querySelector("#message textarea");
    new MutationObserver(() => {
        const isFree = !box.disabled && document.activeElement === document.body;
        if (isFree && matchMedia("(hover: hover)").matches) box.focus();
    }).observe(box, {attributeFilter: ["disabled"]});
}"""
"""Keeps the newest words in view, and leaves a reader who has scrolled up where they are; by hand,
as the browser scrolls too when something on the page folds. Gradio's own autoscroll pulls
everybody down 300 ms after each yield, and so never lets go of a stream.

Has every link open in a tab of its own: by itself Gradio sees to that in text, but not in
drawings (SVG, mermaid) and maps, whose links would take the conversation away.

And gives the keyboard back to the text box, which has lost it by being locked; not where that would
bring up a keyboard on the screen."""

LOOKS = """
.message-content { contain: layout paint }
.message-content :is(form, [popover], select, textarea, input:not([type=checkbox][disabled])) {
    display: none !important
}
.message-content :not(pre) > code { overflow-wrap: anywhere }
.message-content img {
    width: auto !important;
    max-width: 100% !important;
    max-height: 50vh !important;
    margin: 0 !important
}
.message-content :is(audio, video) { width: min(20rem, 60vw) }
.stop-button { animation: come 0.8s }
@keyframes come { from { pointer-events: none } }
#chats label { width: 100% }
#chats label span { overflow: hidden; text-overflow: ellipsis }
@media (max-width: 640px), (max-height: 600px) {
    .column:has([role=log] [data-testid=user]) .about { display: none }
}"""
"""A model's text stays in its place: nothing of it covers the page, or asks for a password. Its
pictures are as large as they are, and as there is room: by itself Gradio gives each 30 % of the
window, on a phone too. And there the chat has the room of the description, once it has begun.

Stop can be pressed 0.4 s after it has come: it comes where Send was, which some click twice."""
