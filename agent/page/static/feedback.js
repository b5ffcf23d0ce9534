// Thumbs below the answers, and the form above the text box for what is written to them. One object,
// `chatFeedback`, for chat.js. What is shown comes from agent/page/feedback.py; all of it is set as
// text, never as HTML.
//
// The thumbs stand beside Gradio's own buttons, which it makes anew now and then: what they show is
// kept here. An answer goes by the question that it answers, counted from 0 on the page.
(() => {
    "use strict";

    const { _ } = globalThis.chatWords;

    // Names of Gradio 6.31's page. If one is gone, there are no thumbs.
    const QUESTION = ".user-row .message .message";
    const BUTTONS = ".message-buttons";
    const ICONS = ".icon-button-wrapper";

    const THUMB =
        "M7 21H3V10h4m0 11V10l4-7.5c1.6 0 2.6 1 2.6 2.6L13 9h6.2c1.2 0 2 1 1.8 2.2l-1.3 8" +
        "c-.1 1-1 1.8-2 1.8H7";

    const THUMBS = { up: _("Good answer"), down: _("Bad answer") };

    const TITLES = {
        up: _("What was good about this answer?"),
        down: _("What is wrong with this answer?"),
    };

    // What visitors are told of who reads it.
    const READ_BY = _("Whoever runs this page can read this, and this chat.");

    // Tells Gradio that there is something to send; set by `watch`.
    let send = null;

    // The chat; and {lost, tooLong, maxWords, mark}: sentences for the visitor, how many characters a
    // field may have, and what the files of a question stand behind.
    let log = null, constants = {};

    // By questions: {turn, rating}; none where the answer cannot be rated.
    let rated = [];

    // What is sent; and the turn whose form is open, or "".
    let pending = null, opened = "";

    // What was written and not stored, by turns.
    const drafts = new Map();

    // The passage that was marked when a thumb was pressed.
    let marked = "";

    const { make, field, filled } = chatCards;

    const form = () => document.querySelector("#feedback form");

    // A question with files has two such parts. One that is edited is a text box.
    const holdsFiles = (part) =>
        (part.querySelector("textarea")?.value ?? part.textContent).includes(constants.mark);

    const questions = () => [...log.querySelectorAll(QUESTION)].filter((part) => !holdsFiles(part));

    // Which question stands last above an element of the chat; -1 for none.
    const questionAbove = (element) => {
        const isAbove = (question) =>
            question.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING;
        return questions().findLastIndex(isAbove);
    };

    // What of this answer is marked.
    const markedIn = (count) => {
        const selection = getSelection();
        const node = selection?.anchorNode;
        const isInAnswer = node && log.contains(node) && !node.parentElement.closest(".user-row");
        return isInAnswer && questionAbove(node) === count ? selection.toString().trim() : "";
    };

    const submit = (opinion) => {
        pending = opinion;
        send();
    };

    const press = (count, rating) => {
        const { turn } = rated[count];
        keepDraft();
        const passage = markedIn(count) || marked;
        submit({ turn, rating, ...(passage ? { passage } : {}) });
    };

    const thumb = (rating) => {
        const button = make("button", {
            ...{ type: "button", className: `icon-button thumb thumb-${rating}` },
            title: THUMBS[rating],
        });
        button.setAttribute("aria-label", THUMBS[rating]);
        button.append(chatDialog.icon(THUMB));
        const count = () => questionAbove(button);
        // A click may take the mark away before it is told.
        button.addEventListener("pointerdown", () => marked = markedIn(count()));
        button.addEventListener("click", () => press(count(), rating));
        return button;
    };

    // Puts thumbs below each answer that can be rated, and shows how it is.
    const draw = () => {
        if (!send || !log) return;
        let count = -1;
        for (const part of log.querySelectorAll(`${QUESTION}, ${BUTTONS}`)) {
            if (!part.matches(BUTTONS)) {
                if (!holdsFiles(part)) count += 1;
                continue;
            }
            const isBelowQuestion = part.previousElementSibling?.matches(".user-row");
            const about = isBelowQuestion ? null : rated[count];
            const place = part.querySelector(ICONS) ?? part;
            const there = [...place.querySelectorAll(".thumb")];
            if (!about?.turn) {
                there.forEach((button) => button.remove());
                continue;
            }
            if (!there.length) place.append(thumb("up"), thumb("down"));
            for (const button of place.querySelectorAll(".thumb")) {
                const isPressed = button.matches(`.thumb-${about.rating || "none"}`);
                button.setAttribute("aria-pressed", String(isPressed));
            }
        }
    };

    const keepDraft = () => {
        if (form()) drafts.set(opened, filled(form()));
    };

    const close = () => {
        const hasFocus = document.getElementById("feedback")?.contains(document.activeElement);
        document.getElementById("feedback")?.remove();
        const count = rated.findIndex((about) => about?.turn === opened);
        opened = "";
        if (!hasFocus) return;
        const pressed = [...log.querySelectorAll(".thumb[aria-pressed=true]")];
        (pressed.find((button) => questionAbove(button) === count) ?? chatBox.find())?.focus();
    };

    const button = (textContent, className, onclick) =>
        make("button", { type: onclick ? "button" : "submit", textContent, className, onclick });

    const fields = ({ rating, reason, comment, expected, passage, reasons, labels }) => [
        ...(reasons.length
            ? [{
                id: "reason",
                kind: "select",
                label: _("Reason"),
                options: reasons,
                labels,
                value: reason,
            }]
            : []),
        { id: "comment", kind: "words", label: _("In your own words"), value: comment },
        ...(rating === "down"
            ? [{
                id: "expected",
                kind: "words",
                label: _("What should it have said?"),
                value: expected,
            }]
            : []),
        ...(passage
            ? [{ id: "passage", kind: "words", label: _("About this passage"), value: passage }]
            : []),
    ];

    const open = (reply) => {
        close();
        const { turn, rating } = reply;
        const known = { ...reply, ...drafts.get(turn), ...(marked ? { passage: marked } : {}) };
        opened = turn;
        const state = make("p", { className: "card-state" });
        state.setAttribute("role", "alert");
        const fieldset = make(
            "fieldset",
            {},
            make("legend", { textContent: TITLES[rating] }),
            ...fields(known).map((about) => field(about, `feedback-${about.id}`)),
            make("p", { className: "feedback-read", textContent: READ_BY }),
            make(
                "p",
                { className: "card-buttons" },
                button(_("Save"), "card-yes"),
                button(_("Close"), "card-no", () => (keepDraft(), close())),
                button(_("Take it back"), "card-no", () => submit({ turn, rating: "" })),
            ),
            state,
        );
        const made = make("form", { className: "card" }, fieldset);
        made.addEventListener("submit", (event) => {
            event.preventDefault();
            const words = filled(made);
            // More would be refused before it is read.
            const isTooLong = Object.values(words).some((text) => text.length > constants.maxWords);
            if (isTooLong) return chatFeedback.refuse(constants.tooLong);
            submit({ turn, rating, ...words });
        });
        const section = make("section", { id: "feedback" }, made);
        section.setAttribute("aria-label", _("Your rating"));
        chatBox.frame()?.before(section);
        made.querySelector("[data-field]")?.focus();
    };

    globalThis.chatFeedback = {
        // Takes what tells Gradio that there is something to send. Without it nothing is rated.
        watch(trigger) {
            send = () => trigger("submit");
            draw();
        },

        // Whether visitors can say what they think.
        get isOn() {
            return send !== null;
        },

        // Called when all components are there.
        begin(where, { rating, mark }) {
            log = where;
            constants = { ...rating, mark };
            chatFrames.follow(log, draw);
        },

        // Knows of all answers on the page.
        show({ turns }) {
            rated = turns.map(([turn, rating]) => turn ? { turn, rating } : null);
            draw();
        },

        // An answer is over: to this question.
        add(count, turn) {
            rated[count] = turn ? { turn, rating: "" } : null;
            draw();
        },

        // What answered this question, and those below it, is not so any more.
        cut(count) {
            rated.length = Math.min(rated.length, count);
            draw();
        },

        // Returns its inputs; the last is replaced by what is to be sent.
        given: (...inputs) => [...inputs.slice(0, -1), pending],

        // What the server has made of it.
        take(reply) {
            if (reply.error) return this.refuse(reply.error);
            const about = rated.find((entry) => entry?.turn === reply.turn);
            if (about) about.rating = reply.rating;
            draw();
            if (reply.said) {
                drafts.delete(reply.turn);
                marked = "";
                if (opened === reply.turn) close();
                if (about) chatBox.tell(reply.said); // Else another chat is on the page by now.
            } else if (about) {
                open(reply);
            }
            marked = "";
        },

        // Says why it was not stored, where it was written.
        refuse(sentence) {
            const state = document.querySelector("#feedback .card-state");
            if (state) state.textContent = sentence;
            else chatBox.tell(sentence);
        },

        lost() {
            this.refuse(constants.lost);
        },

        // Closes the form, and keeps what is written there until it is opened again.
        close() {
            keepDraft();
            close();
        },

        // The same, if this stands in it; whether it did.
        leave(element) {
            const isThere = element.closest?.("#feedback") !== null && opened !== "";
            if (isThere) this.close();
            return isThere;
        },
    };
})();
