// When each message on the page was said: below it, beside its buttons, for whoever points at it or
// goes there by keys, and for a screen reader. One object, `chatTimes`.
(() => {
    "use strict";

    const { language } = globalThis.chatWords;

    // What this file knows of Gradio 6.31's front end; where it is missing, no times are shown.
    const ROWS = ".message-row", BUTTONS = "message-buttons";

    // Of each question on the page, and of its answer, in seconds since 1970; 0 where it is not known.
    let times = [];

    // In the visitor's own time zone and form; the day is told unless it is today.
    const inWords = (seconds) => {
        const date = new Date(seconds * 1000);
        const isToday = date.toDateString() === new Date().toDateString();
        return date.toLocaleString(language, {
            timeStyle: "short",
            ...(isToday ? {} : { dateStyle: "medium" }),
        });
    };

    const draw = () => {
        const groups = chatCopying.groups(globalThis.chat.state.page);
        const rows = document.querySelectorAll(ROWS);
        if (rows.length !== groups.length) return; // The page is not as it was sent yet.
        let asked = 0;
        groups.forEach((group, index) => {
            const isUser = group[0].role === "user";
            if (isUser) asked += group.length;
            const seconds = times[asked - 1]?.[isUser ? 0 : 1];
            const place = rows[index].nextElementSibling;
            if (!place?.classList.contains(BUTTONS)) return;
            const words = seconds ? inWords(seconds) : "";
            if ((place.dataset.time ?? "") !== words) place.dataset.time = words;
        });
    };

    const drawSoon = chatFrames.oncePerFrame(draw);

    const now = () => Date.now() / 1000;

    globalThis.chatTimes = {
        watch(log) {
            chatFrames.follow(log, draw);
        },

        // The page is another one.
        look: drawSoon,

        // Takes the times of the whole page.
        know(sent) {
            times = sent ?? [];
            drawSoon();
        },

        // The question with so many above it has been asked, and answered, now.
        asked(above) {
            times[above] = [now(), 0];
        },
        answered(above) {
            times[above] = [times[above]?.[0] ?? 0, now()];
            drawSoon();
        },
    };
})();
