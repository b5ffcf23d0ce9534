// The dialog in which a chat is shared by a link, and not any more. One object, `chatShare`, for
// chats.js.
(() => {
    "use strict";

    const { _ } = globalThis.chatWords;

    const { make } = chatDialog;

    const ABOUT = _(
        "Anybody who has this link can read the chat as it was when you shared it last: " +
            "what was said, the agent's thoughts and tools, and files. What is said later is not in it.",
    );
    const TO_END = _(
        "“Stop sharing” ends it: then the link leads nowhere. So does deleting the chat.",
    );
    const QUESTION = _(
        "This chat is not shared. If you share it, anybody who has the link can read it as it is now: " +
            "what was said, the agent's thoughts and tools, and files.",
    );
    const NOT_SHARED = _(
        "This chat is not shared. A link to it leads nowhere.",
    );
    const FAILED = _(
        "That could not be done. Please try again.",
    );

    // The dialog that is open, with the id of its chat and what it shows; null while none is.
    let shown = null;

    const button = (textContent, className, onclick) =>
        make("button", { type: "button", textContent, className, onclick });

    // Without HTTPS a browser has no clipboard but the old way.
    const copy = async (link) => {
        link.select();
        try {
            await navigator.clipboard.writeText(link.value);
        } catch {
            document.execCommand("copy");
        }
        if (shown) shown.status.textContent = _("Copied.");
    };

    const draw = ({ kind, token }, status) => {
        const { body, wish } = shown;
        const close = button(_("Close"), "", () => shown.dialog.close());
        shown.status.textContent = status;
        if (!token) {
            const again = button(_("Share it as it is now"), "card-yes", () => wish("share"));
            const buttons = make("p", { className: "card-buttons" }, again, close);
            const textContent = kind === "link" ? QUESTION : NOT_SHARED;
            body.replaceChildren(make("p", { textContent }), buttons);
            return again.focus();
        }
        const value = `${chat.pageUrl()}shared/${token}`;
        const link = make("input", { value, readOnly: true });
        link.setAttribute("aria-label", _("The link to this chat"));
        const toCopy = button(_("Copy"), "card-yes", () => copy(link));
        const buttons = make(
            "p",
            { className: "card-buttons" },
            kind === "link"
                ? button(_("Share it as it is now"), "", () => wish("share again"))
                : null,
            button(_("Stop sharing"), "", () => wish("unshare")),
            close,
        );
        body.replaceChildren(
            make("p", { textContent: ABOUT }),
            make("p", { className: "share-link" }, link, toCopy),
            make("p", { textContent: TO_END }),
            buttons,
        );
        toCopy.focus();
    };

    // What is said of a wish that has come true.
    const DONE = {
        share: _("It is shared now."),
        "share again": _("It is shared as it is now."),
        unshare: _("It is not shared any more."),
    };

    globalThis.chatShare = {
        // Shows what the server says of a chat's link: {kind, id, token}; `name` is what the chat is
        // called, and `wish` takes what the visitor wants with the link.
        show(place, about, name, wish) {
            if (about.kind === "link" && shown?.id !== about.id) {
                shown?.dialog.close();
                const title = make("h2", {
                    id: "share-title",
                    textContent: _("Share “{name}”", { name }),
                });
                const body = make("div"), status = make("p", { className: "card-state" });
                status.setAttribute("role", "status");
                const dialog = chatDialog.open(place, title, body, status);
                dialog.id = "share";
                dialog.setAttribute("aria-labelledby", title.id);
                dialog.addEventListener("close", () => shown = null);
                shown = { id: about.id, dialog, body, status, wish };
            }
            if (shown?.id === about.id) draw(about, DONE[about.kind] ?? "");
        },

        failed() {
            if (shown) shown.status.textContent = FAILED;
        },
    };
})();
