// Where one question is put to two settings, and the visitor says which answer is better. It is loaded
// when somebody first opens it (sides.js). All but the answers is set as text; these
// are HTML of the server's own (agent/render/document.py), in which nothing runs or is fetched.
globalThis.chatWords.add({/* translations */});
const { _ } = globalThis.chatWords;
const { make, icon } = globalThis.chatDialog;

const TITLE = _("Compare two answers");
const ABOUT = _(
    "One question goes to two settings at the same time, and you say which answer is better. " +
        "It is asked in new chats that are deleted afterwards: your own chat stays as it is. It " +
        "counts as two messages. If the agent uses tools, they run for each answer, and do what " +
        "they do twice.",
);
const ABOUT_BLIND = _(
    "The answers stand there in random order, and which is whose you are told when you have " +
        "chosen: so you judge the answer, not the setting.",
);
const ONE_AT_A_TIME = _("Each question stands alone: the agents do not know the ones before.");
const KEPT = _(
    "Whoever runs this page can read what you choose, with your question and both answers, until " +
        "you say “Forget me” or it is too old.",
);
const UNLOCKED = _("That did not reach the server. Please try again.");
const PLACES = ["A", "B"];
const CROSS = "M6 6 18 18M18 6 6 18";

// By what is sent of a choice.
const CHOICES = [
    ["first", _("A is better")],
    ["second", _("B is better")],
    ["both", _("Both are good")],
    ["neither", _("Both are bad")],
];
const CHOSEN = {
    first: _("You found A better."),
    second: _("You found B better."),
    both: _("You found both good."),
    neither: _("You found both bad."),
};

// Tells Gradio what the visitor wants; set by `watch`.
let tell = () => {};

// The dialog's parts; what is chosen for each side; what is sent with the next event; and the
// answers that the server has sent last.
let dialog = null, view = null, asked = null, choice = null, answers = null, isAsking = false;
const sides = [{ who: null, options: {} }, { who: null, options: {} }];

const button = (textContent, onclick, properties = {}) =>
    make("button", { type: "button", textContent, onclick, ...properties });
const note = (textContent) => make("p", { className: "settings-note", textContent });
const field = (name, label, rows) => {
    const input = make("textarea", { id: `sides-${name}`, rows, dir: "auto" });
    const words = make("label", { htmlFor: input.id, textContent: label });
    return [input, make("p", { className: "sides-field" }, words, input)];
};

// Who answers on each side, until the visitor chooses: two of the owner's variants, or else the agent
// and another one; the agent alone against itself, where there is nobody else.
const firstTwo = (who) => {
    const variants = who.filter(({ variant }) => variant);
    const others = who.slice(1);
    return variants.length > 1 ? variants : [who[0], others[0] ?? who[0]];
};

// What can be set of one side, from what the server offers.
const settingsOf = (side, number, { fields, who }) => {
    const held = {
        place: `sides-${number}`,
        valueOf: (name) => side.options[name],
        choose: (name, value) => {
            if (value === undefined) delete side.options[name];
            else side.options[name] = value;
        },
    };
    side.who ??= firstTwo(who)[number];
    const select = make("select", { name: "who", id: `sides-${number}-who` });
    select.append(...who.map(({ name }) => make("option", { textContent: name })));
    select.selectedIndex = Math.max(0, who.findIndex(({ name }) => name === side.who.name));
    select.onchange = () => side.who = who[select.selectedIndex];
    const row = make(
        "div",
        { className: "settings-row" },
        make("label", { htmlFor: select.id, textContent: _("Who answers") }),
        select,
    );
    return make(
        "fieldset",
        {},
        make("legend", {
            textContent: number === 0 ? _("First setting") : _("Second setting"),
        }),
        who.length > 1 ? row : "",
        ...chatSettings.rows(held, fields),
    );
};

const ask = () => {
    const { question, blind, status } = view;
    if (isAsking) return;
    asked = {
        number: Math.random(),
        text: question.value,
        blind: blind.checked,
        sides: sides.map(({ who, options }) => ({
            agent: who?.agent,
            variant: who?.variant,
            options,
        })),
    };
    [isAsking, answers, status.textContent] = [true, null, ""];
    tell("submit");
    draw();
};

const choose = (better) => {
    choice = { id: answers?.id, better, reason: view.reason.value };
    tell("select");
};

const drawAnswers = () => {
    view.answers.hidden = answers === null;
    for (const [place, card] of view.cards.entries()) {
        const given = answers?.answers[place];
        const name = answers?.names?.[place];
        const named = name ? [": ", make("bdi", { textContent: name })] : [];
        card.heading.replaceChildren(PLACES[place], ...named);
        if (card.html !== given?.html) {
            card.html = given?.html;
            card.body.innerHTML = given?.html ?? "";
        }
        card.note.textContent = given?.note ?? "";
        card.figures.textContent = answers?.figures?.[place] ?? "";
        card.section.setAttribute("aria-busy", String(Boolean(given && !given.isOver)));
    }
};

const draw = () => {
    const { send, stop, choosing, status } = view;
    drawAnswers();
    const hadFocus = [send, stop].includes(document.activeElement);
    [send.hidden, stop.hidden] = [isAsking, !isAsking];
    choosing.hidden = !answers?.canChoose;
    if (hadFocus) (isAsking ? stop : choosing.hidden ? send : view.choices[0]).focus();
    if (isAsking) status.textContent = _("Both answers are being written.");
};

const drawResults = (results) => {
    const lines = results.map(({ names, count, result }) =>
        make(
            "li",
            {},
            make("strong", { textContent: names.join(" ↔ "), dir: "auto" }),
            ` (${count}). ${result}`,
        )
    );
    view.results.hidden = lines.length === 0;
    view.results.lastChild.replaceChildren(...lines);
};

const card = (place) => {
    const heading = make("h3", { textContent: place });
    const body = make("div", { className: "sides-answer prose" });
    const [noted, figures] = [note(""), make("p", { className: "sides-figures" })];
    const section = make("section", {}, heading, body, noted, figures);
    return { section, heading, body, note: noted, figures, html: "" };
};

const build = () => {
    const [question, questionField] = field("question", _("Your question"), 3);
    const [reason, reasonField] = field("reason", _("Why? (You need not say.)"), 2);
    const blind = make("input", { type: "checkbox", name: "blind", id: "sides-blind" });
    blind.checked = true;
    const status = make("p", { className: "sides-status" });
    status.setAttribute("role", "status");
    // It has the focus first: on a phone the question would open the keyboard over all.
    const title = make("h2", { id: "sides-title", textContent: TITLE, tabIndex: -1 });
    title.autofocus = true;
    const close = button("", () => dialog.close(), { className: "sides-close" });
    close.append(icon(CROSS));
    close.setAttribute("aria-label", _("Close"));
    const cards = PLACES.map(card);
    const choices = CHOICES.map(([better, words]) => button(words, () => choose(better)));
    const label = make("label", {
        htmlFor: blind.id,
        textContent: _("Do not tell me which is which before I have chosen"),
    });
    view = {
        ...{ question, reason, blind, status, cards, choices },
        pair: make("div", { className: "sides-pair" }),
        offerNote: note(""),
        settings: make("details", { className: "sides-settings", open: true }),
        send: make("button", { textContent: _("Ask both"), className: "sides-main" }),
        stop: button(_("Stop"), () => tell("stop"), { hidden: true }),
        answers: make("div", { className: "sides-pair sides-answers", hidden: true }),
        choosing: make("form", { className: "sides-choosing", hidden: true }),
        results: make("section", { className: "sides-results", hidden: true }),
    };
    view.settings.append(
        make("summary", { textContent: _("The two settings") }),
        view.offerNote,
        view.pair,
    );
    const switched = make(
        "div",
        { className: "settings-row settings-switch" },
        ...[label, blind, note(ABOUT_BLIND)],
    );
    const form = make(
        "form",
        {},
        questionField,
        view.settings,
        switched,
        make("p", { className: "sides-buttons sides-asking" }, view.send, view.stop),
        note(ONE_AT_A_TIME),
    );
    form.onsubmit = () => {
        ask();
        return false;
    };
    view.answers.append(...cards.map(({ section }) => section));
    view.choosing.onsubmit = () => false;
    view.choosing.append(
        make("h3", { textContent: _("Which answer is better?") }),
        reasonField,
        make("p", { className: "sides-buttons" }, ...choices),
        note(KEPT),
    );
    view.results.append(
        make("h3", { textContent: _("Your results so far") }),
        make("ul"),
    );
    dialog = make(
        "dialog",
        { className: "sides-dialog" },
        make("header", {}, title, close),
        note(ABOUT),
        ...[form, status, view.answers, view.choosing, view.results],
    );
    dialog.setAttribute("aria-labelledby", title.id);
    return dialog;
};

const SHOWN = {
    offer(reply) {
        view.offerNote.textContent = reply.note;
        view.pair.replaceChildren(
            ...sides.map((side, number) => settingsOf(side, number, reply)),
        );
        drawResults(reply.results);
    },
    answers(reply) {
        // Gradio says once more how it ended, perhaps after something else has come.
        if (answers?.id === reply.id && answers.better) return;
        const isFirst = answers === null;
        [answers, isAsking] = [reply, !reply.isOver];
        draw();
        if (isFirst) {
            view.settings.open = false;
            view.answers.scrollIntoView({ block: "nearest" });
        }
        if (!reply.isOver) return;
        if (reply.canChoose) view.reason.value = "";
        view.status.textContent = reply.whyNot ||
            (reply.canChoose ? _("Both answers are there.") : "");
    },
    chosen(reply) {
        answers = { ...answers, ...reply, canChoose: false };
        const hadFocus = view.choosing.contains(document.activeElement);
        draw();
        view.status.textContent = CHOSEN[reply.better];
        drawResults(reply.results);
        if (hadFocus) view.question.focus({ preventScroll: true });
    },
    refused(reply) {
        isAsking = false;
        draw();
        view.status.textContent = reply.text;
        view.settings.open ||= reply.isSame;
    },
};

// The panel, made in this place and opened; `trigger` tells Gradio of the visitor's wishes.
export const panelIn = (place, trigger) => {
    tell = trigger;
    place.append(build());
    dialog.showModal();
    return {
        open: () => dialog.showModal(),

        // The inputs of the step that asks both, the first of which is the question: with the
        // visitor's own key, if there is one.
        question: (_asked, ...others) => chatSettings.withChoices(asked, ...others),

        // The same of the step that keeps what is chosen.
        choice: (_asked, ...others) => [choice, ...others],

        // Shows what the server has sent.
        show(reply) {
            const isOld = "number" in reply && reply.number !== asked?.number;
            if (!isOld) SHOWN[reply.kind]?.(reply);
        },

        // It could not be sent.
        unlock() {
            SHOWN.refused({ text: UNLOCKED });
        },
    };
};
