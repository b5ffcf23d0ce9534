// What the agent asks a person, above the text box: a card for each thing, with the form to answer
// it. One object, `chatCards`, for chat.js. What is shown comes from agent/page/cards.py; all of it
// is set as text, never as HTML.
(() => {
    "use strict";

    const { _ } = globalThis.chatWords;

    // Tells Gradio that all cards are answered; set by `watch`.
    let send = () => {};

    // The cards on the page, as the server sent them, and what was answered, by their ids.
    let shown = [], replies = {};

    const { make } = chatDialog;

    // Where they stand; null while nothing is asked.
    const find = () => document.getElementById("cards");

    const sameIds = (cards) =>
        String(cards.map(({ id }) => id)) === String(shown.map(({ id }) => id));

    const lock = (isLocked) => {
        const controls = find()?.querySelectorAll("fieldset") ?? [];
        controls.forEach((control) => control.disabled = isLocked);
    };

    // Answers one card. Several are sent together: the agent goes on when it has all.
    const answer = (card, form, reply) => {
        replies[card.id] = reply;
        const isLast = shown.every(({ id }) => id in replies);
        form.querySelector(".card-state").textContent = isLast
            ? ""
            : _("Noted. It is sent when all cards are answered; until then you can change it.");
        if (isLast) {
            lock(true);
            send();
        }
    };

    const control = ({ kind, value, options, labels, isRequired }, id) => {
        switch (kind) {
            case "yes_no":
                return make("input", { id, type: "checkbox", checked: value });
            case "select": {
                const all = isRequired && options.includes(value) ? options : ["", ...options];
                const choices = all.map((text) =>
                    make("option", { value: text, textContent: labels?.[text] ?? text })
                );
                const select = make("select", { id, required: isRequired }, ...choices);
                select.value = value;
                return select;
            }
            case "words":
                return make("textarea", { id, value, rows: 2 });
            case "lines":
            case "json":
                return make("textarea", { id, value, rows: 3, required: isRequired });
            default:
                return make("input", {
                    ...{ id, value, type: kind, required: isRequired },
                    ...{ step: "any", autocomplete: "off" },
                });
        }
    };

    const field = (about, id) => {
        const input = control(about, id);
        input.dataset.field = about.id;
        const notes = { lines: _("One on each line."), json: _("Written as JSON.") };
        const help = [about.help, notes[about.kind]].filter(Boolean).join(" ");
        const text = help ? make("small", { id: `${id}-help`, textContent: help }) : null;
        if (text) input.setAttribute("aria-describedby", text.id);
        const label = make("label", { htmlFor: id, textContent: about.label });
        return make("p", { className: `card-field card-${about.kind}` }, label, input, text);
    };

    const filled = (form) =>
        Object.fromEntries(
            [...form.querySelectorAll("[data-field]")].map((input) => [
                input.dataset.field,
                input.type === "checkbox" ? input.checked : input.value,
            ]),
        );

    // The link of a sign-in, which leads back to this app unless it leads elsewhere.
    const withWayBack = (link) => {
        const url = new URL(link);
        const back = new URL("signed-in", chat.pageUrl());
        if (!url.searchParams.has("redirect_uri")) url.searchParams.set("redirect_uri", back);
        return url.href;
    };

    // Hears from agent/api/signed_in.html, in another tab, where a sign-in has led; answers the card
    // that has asked for it, which is known by the `state` in both addresses.
    const takeAddress = ({ data }) => {
        const stateOf = (address) => new URL(address).searchParams.get("state");
        const card = shown.find(({ link }) => link && stateOf(link) === stateOf(data));
        const form = find()?.children[shown.indexOf(card)];
        if (!form || form.querySelector("fieldset").disabled) return;
        form.querySelector("[data-field]").value = data;
        form.requestSubmit();
    };

    const button = (textContent, className, onclick) =>
        make("button", { type: onclick ? "button" : "submit", textContent, className, onclick });

    const draw = (card, place) => {
        const { title, message, args, shown, link, options } = card;
        const values = args.flatMap(([name, value]) => [
            make("dt", { textContent: name }),
            make("dd", { textContent: value }),
        ]);
        const go = link
            ? make("a", {
                ...{ href: withWayBack(link), target: "_blank", rel: "noopener noreferrer" },
                textContent: _("Sign in (opens in a new tab)"),
            })
            : null;
        const fieldset = make(
            "fieldset",
            {},
            make("legend", { textContent: title }),
            message && make("p", { className: "card-message", textContent: message }),
            shown && make("p", { className: "card-message", textContent: shown }),
            values.length ? make("dl", {}, ...values) : null,
            go && make("p", {}, go),
            ...card.fields.map((about, index) => field(about, `card-${place}-${index}`)),
        );
        if (card.changeable.length) {
            const inputs = card.changeable.map((about, i) =>
                field(about, `card-${place}-arg-${i}`)
            );
            const summary = make("summary", { textContent: _("Change the values") });
            fieldset.append(make("details", {}, summary, ...inputs));
        }
        const form = make("form", { className: "card" }, fieldset);
        const say = (reply) => answer(card, form, reply);
        const buttons = options.map((option) =>
            button(option, "card-yes", () => say({ isApproved: true, option }))
        );
        if (card.yes) buttons.push(button(card.yes, "card-yes"));
        buttons.push(button(card.no, "card-no", () => say({ isApproved: false, form: {} })));
        const state = make("p", { className: "card-state" });
        state.setAttribute("role", "status");
        fieldset.append(make("p", { className: "card-buttons" }, ...buttons), state);
        form.addEventListener("submit", (event) => {
            event.preventDefault();
            say({ isApproved: true, form: filled(form) });
        });
        return form;
    };

    globalThis.chatCards = {
        // For other forms: an element; a labelled field; and what is in the fields of a form.
        make,
        field,
        filled,

        // Takes what tells Gradio that all cards are answered.
        watch(trigger) {
            send = () => trigger("submit");
            new BroadcastChannel("adk-chat-signed-in").onmessage = takeAddress;
        },

        // Shows these cards. Those that are there already, because their answer was not accepted or
        // did not arrive, can be answered once more, and keep what was filled in.
        show(cards) {
            replies = {};
            if (cards.length && find() && sameIds(cards)) return lock(false);
            find()?.remove();
            shown = cards;
            if (!cards.length) return;
            const section = make("section", { id: "cards" }, ...cards.map(draw));
            section.setAttribute("aria-label", _("The agent asks you"));
            section.setAttribute("aria-live", "polite");
            chatBox.frame()?.before(section);
        },

        // Whether these messages may be taken back: the visitor is asked where they are a talk, or a
        // tool has done something in them that stays done.
        mayTakeBack(messages, { staysDone, mayStayDone }) {
            const has = (id) => messages.some(({ metadata }) => metadata?.id === id);
            const why = [
                has("talk") && _("This takes back all of the talk."),
                has(staysDone) && mayStayDone,
            ].filter(Boolean).join(" ");
            const place = chatBox.frame() ?? document.body;
            return !why || chatDialog.confirm(place, why, _("Take it back"));
        },

        // The replies, for the server.
        replies() {
            return replies;
        },

        // An answer could not be sent: it can be given again.
        unlock() {
            replies = {};
            lock(false);
        },
    };
})();
