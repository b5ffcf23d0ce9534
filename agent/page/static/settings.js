// The panel in which a visitor chooses how the next messages are answered, and on which key. One
// object, `chatSettings`: agent/page/settings_panel.py makes the panel's place.
(() => {
    "use strict";

    const { _, number } = globalThis.chatWords;

    const TITLE = _("Settings for your messages");
    const CHANGED = _("Settings for your messages (changed)");
    const ABOUT = _(
        "These settings hold from your next message on, in this window alone; a message that is tried again " +
            "is answered by them, too.",
    );
    const AS_IT_IS = _("as the agent has it");
    const NO_NUMBER = _(
        "This is no number that can be used here, so it stays as the agent has it.",
    );

    // How much a model may think, as agent/core/choices.py has it.
    const THINKING = [
        ["minimal", _("as little as it can")],
        ["low", _("little")],
        ["medium", _("moderately")],
        ["high", _("much")],
    ];

    // What is no key, as agent/core/own_key.py has it.
    const KEY = /^[!-~]{20,500}$/;
    const NO_KEY = _(
        "This cannot be an API key: one has 20 characters or more, and no blanks, line breaks or " +
            "letters with accents. Please copy it once more, completely, and nothing else with it.",
    );
    const KEY_USED = _("Your messages are answered on your own key from now on.");
    const KEY_GONE = _("Your key is forgotten.");

    // Where this window keeps what is chosen; never the key.
    const PLACE = "chat settings";

    const stored = () => {
        try {
            const kept = JSON.parse(sessionStorage.getItem(PLACE) ?? "{}");
            return kept !== null && typeof kept === "object" ? kept : {};
        } catch {
            return {};
        }
    };

    // What is chosen, by the names of the settings; the visitor's own key; both for this page alone.
    let chosen = stored(), key = "";

    let panel = null, summary = null, body = null, tell = () => {};

    const make = (tag, properties = {}, ...children) => {
        const element = Object.assign(document.createElement(tag), properties);
        element.append(...children.filter(Boolean));
        return element;
    };

    const describe = () => {
        const isChanged = key !== "" || Object.keys(chosen).length > 0;
        summary.textContent = isChanged ? CHANGED : TITLE;
    };

    const choose = (name, value) => {
        const { [name]: _before, ...others } = chosen;
        chosen = value === undefined ? others : { ...others, [name]: value };
        try {
            sessionStorage.setItem(PLACE, JSON.stringify(chosen));
        } catch {
            // A full storage: it holds until the page is loaded again.
        }
        describe();
    };

    // What the panel's rows are of: where their ids begin, and where it is kept what is chosen.
    const own = { place: "setting", valueOf: (name) => chosen[name], choose };

    // A setting's own row: its label, its element, and what is said of it.
    const row = ({ place }, label, element, about = "") => {
        element.id = `${place}-${element.name}`;
        const note = make("p", { className: "settings-note", id: `${element.id}-about` }, about);
        element.setAttribute("aria-describedby", note.id);
        const name = make("label", { htmlFor: element.id, textContent: label });
        return make("div", { className: "settings-row" }, name, element, note);
    };

    const select = ({ valueOf, choose }, name, options) => {
        const all = [["", AS_IT_IS], ...options].map(([value, textContent]) =>
            make("option", { value, textContent })
        );
        const element = make("select", { name }, ...all);
        element.value = valueOf(name) ?? "";
        if (element.selectedIndex < 0) element.value = ""; // It is offered no more.
        element.onchange = () => choose(name, element.value || undefined);
        return element;
    };

    // A number from `min` to `max`; an empty field is as the agent has it.
    const field = (held, name, label, about, bounds) => {
        const element = make("input", { type: "number", name, ...bounds, placeholder: AS_IT_IS });
        element.inputMode = bounds.step === "any" ? "decimal" : "numeric";
        element.value = held.valueOf(name) ?? "";
        const line = row(held, label, element, about);
        element.oninput = () => {
            const isRight = element.validity.valid;
            held.choose(name, isRight && element.value ? element.valueAsNumber : undefined);
            element.setAttribute("aria-invalid", String(!isRight));
            line.lastChild.textContent = isRight ? about : NO_NUMBER;
        };
        return line;
    };

    // How each setting is shown, from what the server says of it.
    const ROWS = {
        model: (held, { names }) =>
            row(held, _("Model"), select(held, "model", names.map((name) => [name, name]))),
        temperature: (held) =>
            field(
                held,
                "temperature",
                _("Temperature"),
                _(
                    "From {least} to {most}: how freely words are chosen. With 0 the same question " +
                        "is answered almost the same each time.",
                    { least: number(0), most: number(2) },
                ),
                { min: 0, max: 2, step: "any" },
            ),
        max_output_tokens: (held, { most }) =>
            field(
                held,
                "max_output_tokens",
                _("Length limit, in tokens"),
                _(
                    "A token is about four letters of English. What the model thinks counts, too, " +
                        "so that with a low limit no words may be left.",
                ) + (most ? " " + _("At most {number}.", { number: number(most) }) : ""),
                { min: 1, step: 1, ...(most ? { max: most } : {}) },
            ),
        thinking: (held) =>
            row(
                held,
                _("How much the model thinks before it answers"),
                select(held, "thinking", THINKING),
            ),
        streaming: (held, { isOn }) => {
            const element = make("input", { type: "checkbox", name: "streaming" });
            element.checked = held.valueOf("streaming") ?? isOn;
            element.onchange = () => {
                held.choose("streaming", element.checked === isOn ? undefined : element.checked);
            };
            const line = row(
                held,
                _("Show answers as they are written"),
                element,
                _("Without it an answer is shown when it is whole: ADK's StreamingMode.NONE."),
            );
            line.classList.add("settings-switch");
            return line;
        },
        instruction: (_held, { texts }) =>
            make(
                "details",
                { className: "settings-instruction" },
                make("summary", {
                    textContent: _("What the agent is told to do (to be read only)"),
                }),
                ...texts.flatMap(([agent, text]) => [
                    agent && make("h3", { textContent: agent }),
                    make("pre", { textContent: text, tabIndex: 0, dir: "auto" }),
                ]),
            ),
    };

    // Where a key is given, or forgotten.
    const keyRow = (about) => {
        const input = make("input", {
            ...{ type: "password", name: "key", autocomplete: "off", spellcheck: false },
        });
        // Else managers of passwords offer to keep it.
        for (const name of ["data-1p-ignore", "data-lpignore"]) input.setAttribute(name, "true");
        const status = make("p", { className: "settings-status" });
        status.setAttribute("role", "status");
        const use = make("button", { type: "button", textContent: _("Use this key") });
        const forget = make("button", { type: "button", textContent: _("Forget the key") });
        const draw = () => {
            forget.hidden = key === "";
            describe();
        };
        use.onclick = () => {
            const given = input.value.trim();
            const isKey = KEY.test(given);
            input.setAttribute("aria-invalid", String(!isKey));
            status.textContent = isKey ? KEY_USED : NO_KEY;
            if (isKey) [key, input.value] = [given, ""];
            else input.focus();
            draw();
        };
        input.onkeydown = (event) => {
            if (event.key === "Enter") use.onclick();
        };
        forget.onclick = () => {
            [key, input.value, status.textContent] = ["", "", KEY_GONE];
            draw();
            input.focus();
        };
        status.textContent = key ? KEY_USED : "";
        const line = row(own, _("Your own key for Gemini"), input, about);
        line.insertBefore(
            make("p", { className: "settings-buttons" }, use, forget),
            line.lastChild,
        );
        line.insertBefore(status, line.lastChild);
        draw();
        return line;
    };

    const rows = (held, fields) =>
        Object.entries(fields).map(([name, about]) => ROWS[name](held, about));

    globalThis.chatSettings = {
        // A row for each of these settings, for another panel; `held` as `own`.
        rows,

        // Takes the panel's place, and what tells Gradio that it is opened.
        watch(place, trigger) {
            tell = trigger;
            summary = make("summary");
            body = make("div", { className: "settings-body" });
            panel = make("details", { className: "settings-panel" }, summary, body);
            panel.addEventListener("toggle", ({ target }) => {
                if (target === panel && panel.open) tell("expand");
            });
            describe();
            place.replaceChildren(panel);
        },

        // Shows what the server offers.
        show(offer) {
            if (!body || !offer) return;
            const fields = rows(own, offer.fields);
            const paragraph = (textContent) =>
                make("p", { className: "settings-note", textContent });
            const reset = make("button", {
                type: "button",
                textContent: _("All as the agent has it"),
                onclick: () => {
                    for (const name of Object.keys(chosen)) choose(name, undefined);
                    this.show(offer);
                },
            });
            body.replaceChildren(...[
                offer.aboutKey && keyRow(offer.aboutKey),
                fields.length > 0 && paragraph(ABOUT),
                offer.note && paragraph(offer.note),
                ...fields,
                fields.length > 0 && make("p", { className: "settings-buttons" }, reset),
            ].filter(Boolean));
        },

        // The inputs of a step that asks something, the first of which is the question: with what
        // is chosen for it.
        withChoices(question, ...others) {
            const options = Object.keys(chosen).length > 0 ? { options: chosen } : {};
            const onKey = key ? { key } : {};
            return [
                options.options || key ? { ...question, ...options, ...onKey } : question,
                ...others,
            ];
        },
    };
})();
