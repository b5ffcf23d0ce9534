// Who has signed in, in the side bar, and how to sign in or out. One object, `chatAccount`, for
// chats.js.
(() => {
    "use strict";

    const { _ } = globalThis.chatWords;

    const { make } = chatDialog;

    // A sign-in lets itself be shown in no frame, as a Space is one; and a frame's cookies are
    // another site's, which browsers may block. So the chat goes on in a tab of its own there.
    const isFramed = globalThis.self !== globalThis.top;

    const link = (text, address) => {
        const anchor = make("a", { textContent: text, href: chat.pageUrl() + address });
        if (isFramed) Object.assign(anchor, { target: "_blank", rel: "noopener" });
        return anchor;
    };

    globalThis.chatAccount = {
        // Shows it in `place`, which is empty where visitors cannot sign in.
        show(place, { name, signIn, signOut }) {
            const parts = [];
            if (name) {
                parts.push(make("p", { textContent: _("Signed in as {name}", { name }) }));
                if (signOut) parts.push(link(_("Sign out"), signOut));
            } else if (signIn) {
                const why = _("Your chats are then on your other devices, too.");
                // Back to the same agent.
                parts.push(link(_("Sign in with Hugging Face"), signIn + location.search));
                parts.push(make("p", { textContent: why }));
            }
            place?.replaceChildren(...parts);
        },
    };
})();
