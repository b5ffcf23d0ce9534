// The panel that shows how the last answer came. One object, `chatStream`: agent/page/stream_panel.py
// makes the panel's place and hears of it. What is shown is set as text, never as HTML.
(() => {
    "use strict";

    const { _, ngettext, number } = globalThis.chatWords;

    const TITLE = _("How the last answer came");
    const NOTHING = _(
        "Nothing is known here of how an answer came. It is measured while the answer " +
            "is written, and kept until the next one or until the server starts again.",
    );
    const NOT_OVER = _("It is still being written. This is updated when it is over.");
    const FROM_MODEL = _(
        "As the model sent it: the times at which this server received each chunk " +
            "over HTTP, before it joins some of them.",
    );
    const FROM_ADK = _(
        "The times of ADK's events, because the model's own chunks were not seen, or " +
            "not all of them. Words that come within 40 ms of each other may be in one event.",
    );
    const ABOUT_ASKING = _(
        "It is asked in a chat of its own, which is told the words that were said here and " +
            "is deleted afterwards: this chat stays as it is. It counts as one more message. If " +
            "the agent uses tools, they run again, and do again what they do.",
    );
    const UNLOCKED = _("It could not be asked. Please try again.");

    // Tells Gradio what the visitor wants; set by `watch`.
    let tell = () => {};

    // What the server has sent last: of the answer, and of the same question asked once more; how
    // many seconds that one has taken so far, null while none is on its way; and what went wrong.
    let answer = null, comparison = null, running = null, problem = "";

    // Whether Stop was pressed, perhaps before the server had begun.
    let isStopped = false;

    // The panel's own elements, and whether the table of events is to be open.
    let panel = null, view = null, isTableOpen = false;

    const make = (tag, properties = {}, ...children) => {
        const element = Object.assign(document.createElement(tag), properties);
        element.append(...children.filter(Boolean));
        return element;
    };
    const paragraph = (textContent, className = "") => make("p", { textContent, className });

    const time = (seconds) => {
        const digits = seconds < 10 ? 2 : 1;
        const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
        return _("{number} s", { number: number(seconds, options) });
    };

    // The figures of an answer, each with its name.
    const figuresOf = ({ firstText, text, thoughts, longestGap, seconds, isOver }) => [
        [_("First text after"), firstText === null ? _("there is none") : time(firstText)],
        [_("Chunks of text"), number(text.count)],
        [_("Characters"), number(text.characters)],
        ...thoughts.count
            ? [[
                _("Thoughts"),
                ngettext("{number} chunk", "{number} chunks", thoughts.count) + ", " +
                ngettext("{number} character", "{number} characters", thoughts.characters),
            ]]
            : [],
        [
            _("Longest gap between chunks"),
            longestGap === null ? _("there is none") : time(longestGap),
        ],
        [isOver ? _("Over after") : _("So far"), time(seconds)],
    ];

    const inWords = (figures) => figures.map((figure) => figure.join(": ")).join(". ") + ".";

    const nameOf = ({ isStreamed }) => isStreamed ? _("Streaming on") : _("Streaming off");

    // A table of events. Its columns are those of `_event` in agent/page/stream_panel.py.
    const COLUMNS = [
        ...[_("Seconds"), _("Author"), _("Event"), _("What is in it"), _("Characters")],
        ...[_("Tokens read"), _("Tokens written")],
    ];
    const table = ({ events, eventsLeftOut }) => {
        const cells = (tag, texts) =>
            texts.map((text) => make(tag, { textContent: text === null ? "" : String(text) }));
        const head = make("tr", {}, ...cells("th", COLUMNS));
        for (const cell of head.children) cell.scope = "col";
        const rows = events.map(([seconds, ...others]) =>
            make("tr", {}, ...cells("td", [seconds.toFixed(2), ...others]))
        );
        const scrolled = make(
            "div",
            { className: "stream-events", tabIndex: 0 },
            make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)),
        );
        scrolled.setAttribute("role", "region");
        scrolled.setAttribute("aria-label", _("ADK's events"));
        const count = events.length + eventsLeftOut;
        const details = make(
            "details",
            { open: isTableOpen, ontoggle: () => isTableOpen = details.open },
            make("summary", { textContent: `${_("ADK's events")} (${number(count)})` }),
            scrolled,
            eventsLeftOut && paragraph(
                _("Not shown, because they came later: {number}.", {
                    number: number(eventsLeftOut),
                }),
            ),
        );
        return details;
    };

    const figureOf = (shown, width, most) => {
        const heading = make("h3", { textContent: nameOf(shown) });
        const notes = shown.notes.map((note) => paragraph(note));
        if (!shown.events.length) {
            return make("section", { className: "stream-answer" }, heading, ...notes);
        }
        const figures = figuresOf(shown);
        const list = figures.map(([name, value]) =>
            make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value }))
        );
        const legend = shown.thoughts.count && make(
            "p",
            { className: "stream-legend" },
            make("span", { className: "plot-key plot-text", textContent: _("the answer") }),
            make("span", { className: "plot-key plot-thoughts", textContent: _("thoughts") }),
        );
        return make(
            "section",
            { className: "stream-answer" },
            heading,
            chatPlot.draw(shown, width, most, `${nameOf(shown)}. ${inWords(figures)}`),
            legend,
            make("dl", {}, ...list),
            shown.leftOut && paragraph(
                _("Not counted, because they came later: {number}.", {
                    number: number(shown.leftOut),
                }),
            ),
            paragraph(shown.isFromModel ? FROM_MODEL : FROM_ADK, "stream-note"),
            ...notes,
            table(shown),
        );
    };

    // Pixels between two plots, and the least for one of two that stand side by side.
    const GAP = 24, LEAST = 320;

    const drawAnswers = () => {
        const { plots } = view;
        const shown = [answer, comparison].filter(Boolean);
        const room = plots.clientWidth;
        const isWide = shown.length > 1 && room >= 2 * LEAST + GAP;
        const width = Math.floor(isWide ? (room - GAP) / 2 : Math.min(room, 720));
        const most = shown.length ? chatPlot.extent(shown) : null;
        plots.classList.toggle("stream-side-by-side", isWide);
        plots.replaceChildren(
            ...shown.length
                ? shown.map((arrival) => figureOf(arrival, width, most))
                : [paragraph(NOTHING)],
        );
        view.width = room;
    };

    const drawAsking = () => {
        const { ask, stop, about, status } = view;
        const canAsk = Boolean(answer?.canAsk);
        const hadFocus = [ask, stop].includes(document.activeElement);
        ask.hidden = !canAsk || running !== null;
        ask.textContent = answer?.isStreamed === false
            ? _("Ask the same with streaming on")
            : _("Ask the same with streaming off");
        stop.hidden = running === null;
        if (hadFocus) [ask, stop].find((button) => !button.hidden)?.focus();
        about.textContent = canAsk ? ABOUT_ASKING : answer?.whyNot ?? "";
        const isWritten = answer && !answer.isOver ? NOT_OVER : problem;
        status.textContent = running === null
            ? isWritten
            : _("Asking the same once more ({seconds} s)", { seconds: running });
    };

    const build = () => {
        const button = (textContent, act) =>
            make("button", { type: "button", textContent, onclick: act });
        view = {
            plots: make("div", { className: "stream-answers" }),
            ask: button("", () => {
                [running, comparison, problem, isStopped] = [0, null, "", false];
                drawAnswers();
                drawAsking();
                tell("click");
            }),
            stop: button(_("Stop"), () => {
                isStopped = true;
                tell("stop");
            }),
            about: make("p", { className: "stream-note" }),
            status: make("p", { className: "stream-status" }),
        };
        view.status.setAttribute("role", "status");
        return make(
            "div",
            { className: "stream-body" },
            view.plots,
            make("p", { className: "stream-ask" }, view.ask, view.stop),
            view.status,
            view.about,
        );
    };

    const look = () => {
        if (panel?.open) tell("expand");
    };

    globalThis.chatStream = {
        // Takes the panel's place, and what tells Gradio of the visitor's wishes. Nothing is asked
        // of the server, or drawn, as long as the panel is closed.
        watch(place, trigger) {
            tell = trigger;
            const summary = make("summary", { textContent: TITLE });
            panel = make("details", { className: "stream-panel" }, summary);
            panel.addEventListener("toggle", ({ target }) => {
                if (target !== panel || !panel.open) return;
                if (!view) panel.append(build());
                look();
            });
            new ResizeObserver(() => {
                if (panel.open && view && view.plots.clientWidth !== view.width) drawAnswers();
            }).observe(panel);
            place.replaceChildren(panel);
        },

        // Asks the server anew, if the panel is open: another answer is the last one.
        look,

        // Shows what the server has sent.
        async show(reply) {
            if (!view || !reply) return;
            await chatText.later("plot");
            if (reply.kind === "answer") {
                if (reply.answer?.of !== answer?.of) {
                    [comparison, running, problem] = [null, null, ""];
                }
                answer = reply.answer;
            } else if (reply.of === answer?.of) {
                running = reply.kind === "running" ? reply.seconds : null;
                comparison = reply.comparison ?? null;
            }
            if (reply.kind === "running" && isStopped) tell("stop");
            if (reply.kind !== "running") drawAnswers();
            drawAsking();
        },

        // The question could not be asked once more.
        unlock() {
            [running, problem] = [null, UNLOCKED];
            drawAsking();
        },
    };
})();
