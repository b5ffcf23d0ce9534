// A page that is opened: whose it is, and which chat is on it. One object, `chatArrival`. Until the
// server has said so, a visitor whom nobody can know yet may type already; what is sent waits.
(() => {
    "use strict";

    let arrive;
    const arrival = new Promise((resolve) => arrive = resolve);

    // The session that this window was on, which is kept with its history entry and not shown
    // anywhere; else the chat that the page's address asks for, or in which a task is being tried.
    const wanted = () =>
        history.state?.place || new URLSearchParams(location.search).get("chat") ||
        globalThis.chatArrival.beside();

    // As Gradio has it (chat.js): a component stays as it is.
    const SAME = { __type__: "update" };

    // What `start` is given, and whether one may type before the server has answered.
    let constants = {};
    let isOpen = false;

    globalThis.chatArrival = {
        // Which chat is asked for by what stands beside it, as tasks.js does.
        beside: () => "",

        start(given) {
            constants = given;
        },

        // How the text box is changed at once. Of people who may have signed in the server knows
        // chats that the browser does not know of.
        firstBox(visitor, knowsPeople) {
            isOpen = !visitor && !knowsPeople && !wanted();
            return isOpen ? constants.idle : SAME;
        },

        // The inputs of the step that asks the server: with the session that is wanted, and the
        // agent that the address names, or else the last one that the browser has shown.
        recall(visitor, _, agent) {
            chat.state.isArriving = true;
            return [visitor, wanted(), chatAgents.named() ?? agent];
        },

        // The server has answered. Returns the text box, which is unlocked unless a chat is still to
        // be shown, with what is typed; or, on a page that was reloaded, with the message that the
        // server did not get, or what was being typed.
        arrived(text, visitor, session, question, facts) {
            chatFiles.knowVisitor(visitor);
            chat.state.hasArrived = true;
            arrive();
            if (facts?.note) chatBox.tell(facts.note);
            if (chat.state.isHeld || question) return SAME; // Something was asked at once.
            const unsent = history.state?.unsent ?? "";
            if (!text && unsent) chatBox.tell(constants.notSent);
            const value = text || unsent || chatBox.draft(session);
            if (isOpen && value === text) return SAME; // It may say by now what is missing.
            return session ? { ...SAME, value } : { ...constants.idle, value };
        },

        // The inputs of the step by which something is asked, as soon as the server knows the page.
        async send(...inputs) {
            if (!chat.state.hasArrived) await arrival;
            return chatSettings.withChoices(...inputs);
        },
    };
})();
