// Keeps the newest words of the chat in view, for those who are at its end; others have a button that
// says what is new there. One object, `chatScroll`, for chat.js.
(() => {
    "use strict";

    const { _, number } = globalThis.chatWords;

    // Pixels: a reader who is no further from the end of the chat is at the end.
    const END_MARGIN = 40;

    // Milliseconds after a wheel, a finger or a key in which scrolling is the reader's. The browser
    // scrolls, too, when something on the page is folded.
    const READER_SCROLLS_TIMEOUT = 1000;

    // What of the log is a line that opens, and for how many milliseconds it may move then.
    const LINE = ".thought-group > .title, summary", UNFOLDING = 500;

    // What is said on the page, as its parts: a question, a text, a tool's line. While a tool is at
    // work, or nothing comes, its line has a sign that turns; the line of figures says nothing new.
    const PART = "[data-testid=user], [data-testid=bot]";
    const NO_PART = ".loading-spinner, .message-content small[title]";
    const partsOf = (log) =>
        [...log.querySelectorAll(PART)].filter((part) => !part.querySelector(NO_PART));

    // How much there is: of parts, and of words in the last one.
    const measure = (log) => {
        const parts = partsOf(log);
        return { parts: parts.length, words: parts.at(-1)?.textContent.length ?? 0 };
    };

    const TO_END = _("Go to the end");

    // The button that leads to the end; hidden from those who are there.
    const makeButton = (log, goToEnd) => {
        const arrow = chatDialog.make("span", { textContent: "↓" });
        arrow.setAttribute("aria-hidden", "true");
        const words = chatDialog.make("span");
        const button = chatDialog.make("button", { id: "to-end", type: "button", hidden: true });
        button.append(arrow, words);
        button.onclick = goToEnd;
        log.parentElement.append(button);
        return (isAtEnd, seen) => {
            button.hidden = isAtEnd;
            if (isAtEnd) return;
            const { parts, words: length } = measure(log);
            const count = parts - seen.parts;
            const isMore = count > 0 || (count === 0 && length > seen.words);
            words.textContent = count > 0
                ? _("{number} new", { number: number(count) })
                : isMore
                ? _("New words")
                : "";
            const name = [TO_END, words.textContent].filter(Boolean).join(": ");
            button.setAttribute("aria-label", name);
            button.title = name;
        };
    };

    // Keeps the newest words in view. A reader who scrolls up stays there until the next question.
    // Gradio's own autoscroll pulls everybody down 300 ms after each update, and so never lets go
    // of a stream.
    const follow = (log, question) => {
        let atEnd = true, asked = 0, movedAt = -Infinity, seen = null, isUnfolding = false;
        const isNear = () => log.scrollHeight - log.scrollTop - log.clientHeight < END_MARGIN;
        const be = (isAtEnd) => {
            if (isAtEnd === atEnd) return;
            if (atEnd) seen = measure(log);
            atEnd = isAtEnd;
            show(atEnd, seen);
        };
        const toEnd = () => log.scrollTop = log.scrollHeight;
        const show = makeButton(log, () => {
            be(true);
            toEnd();
            // The button is gone, and had the focus.
            const box = chatBox.find();
            if (box && !box.disabled && matchMedia("(hover: hover)").matches) box.focus();
        });
        const stay = () => {
            if (isUnfolding) return;
            const questions = log.querySelectorAll(question).length;
            be(atEnd || isNear() || questions > asked || !questions);
            asked = questions;
            if (atEnd && questions) toEnd();
            if (!atEnd) show(atEnd, seen);
        };
        log.addEventListener("scroll", () => {
            be(isNear() || (atEnd && performance.now() - movedAt > READER_SCROLLS_TIMEOUT));
        });
        const moved = () => {
            movedAt = performance.now();
        };
        addEventListener("wheel", moved, { passive: true });
        addEventListener("touchmove", moved, { passive: true });
        addEventListener("keydown", (event) => /Up|Home/.test(event.key) && moved());
        // The scroll bar is no part of what is in the log.
        log.addEventListener("pointerdown", (event) => event.target === log && moved());
        // Who opens or folds a line reads there, and it stays where it is.
        const unfold = ({ target, key }) => {
            if (!atEnd || !target.closest?.(LINE) || (key && !["Enter", " "].includes(key))) return;
            isUnfolding = true;
            setTimeout(() => {
                isUnfolding = false;
                be(isNear());
            }, UNFOLDING);
        };
        log.addEventListener("click", unfold, true);
        log.addEventListener("keydown", unfold, true);
        const sizes = new ResizeObserver(stay);
        const watch = () => [log, ...log.children].forEach((part) => sizes.observe(part));
        new MutationObserver(watch).observe(log, { childList: true });
        watch();
    };

    globalThis.chatScroll = { follow };
})();
