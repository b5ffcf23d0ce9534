// Keeps the newest words of the chat in view. One object, `chatScroll`, for chat.js.
(() => {
    "use strict";

    // Pixels: a reader who is no further from the end of the chat is at the end.
    const END_MARGIN = 40;

    // Milliseconds after a wheel, a finger or a key in which scrolling is the reader's. The browser
    // scrolls, too, when something on the page is folded.
    const READER_SCROLLS_TIMEOUT = 1000;

    // Keeps the newest words in view. A reader who scrolls up stays there until the next question.
    // Gradio's own autoscroll pulls everybody down 300 ms after each update, and so never lets go
    // of a stream.
    const follow = (log, question) => {
        let atEnd = true, asked = 0, movedAt = -Infinity;
        const stay = () => {
            const questions = log.querySelectorAll(question).length;
            atEnd = atEnd || questions > asked;
            asked = questions;
            if (atEnd && questions) log.scrollTop = log.scrollHeight;
        };
        log.addEventListener("scroll", () => {
            const isNear = log.scrollHeight - log.scrollTop - log.clientHeight < END_MARGIN;
            atEnd = isNear || (atEnd && performance.now() - movedAt > READER_SCROLLS_TIMEOUT);
        });
        const moved = () => {
            movedAt = performance.now();
        };
        addEventListener("wheel", moved, { passive: true });
        addEventListener("touchmove", moved, { passive: true });
        addEventListener("keydown", (event) => /Up|Home/.test(event.key) && moved());
        // The scroll bar is no part of what is in the log.
        log.addEventListener("pointerdown", (event) => event.target === log && moved());
        const sizes = new ResizeObserver(stay);
        const watch = () => [log, ...log.children].forEach((part) => sizes.observe(part));
        new MutationObserver(watch).observe(log, { childList: true });
        watch();
    };

    globalThis.chatScroll = { follow };
})();
