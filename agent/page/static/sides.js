// The button by which two answers are compared. One object, `chatSides`: agent/page/side_by_side.py makes
// its place. What it opens is loaded then (later/sides_panel.js).
(() => {
    "use strict";

    const { _ } = globalThis.chatWords;

    const TITLE = _("Compare two answers");

    // Where the panel is made, what tells Gradio of the visitor's wishes, and the panel, once it is
    // there; until then the promise of it.
    let place = null, tell = () => {}, panel = null, loading = null;

    const load = async () => {
        const { panelIn } = await chatText.later("sides_panel");
        return panelIn(place, tell);
    };

    const open = () => {
        panel?.open();
        tell("expand");
    };

    globalThis.chatSides = {
        // Takes its place. Nothing is asked of the server until it is opened; `?compare=1` opens it
        // with the page.
        watch(element, trigger) {
            [place, tell] = [element, trigger];
            const button = chatDialog.make("button", {
                ...{ type: "button", className: "sides-open", textContent: TITLE, onclick: open },
            });
            place.replaceChildren(button);
            if (new URLSearchParams(location.search).has("compare")) open();
        },

        // The inputs of the steps that ask both, and that keep what is chosen.
        question: (...inputs) => panel.question(...inputs),
        choice: (...inputs) => panel.choice(...inputs),

        // Shows what the server has sent; first what can be chosen, which opens it.
        async show(reply) {
            if (!reply) return;
            loading ??= load();
            panel = await loading;
            panel.show(reply);
        },

        // Something could not be sent.
        unlock: () => panel?.unlock(),
    };
})();
