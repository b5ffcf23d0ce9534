// A dialog over the page, by the browser's own <dialog>: it has the focus, Escape closes it, and what
// had the focus before gets it back. One object, `chatDialog`, for the other scripts. Whatever is
// shown is set as text, never as HTML.
(() => {
    "use strict";

    const { _ } = globalThis.chatWords;

    // Children that are null or "" are left out.
    const make = (tag, properties = {}, ...children) => {
        const element = Object.assign(document.createElement(tag), properties);
        element.append(...children.filter((child) => child !== null && child !== ""));
        return element;
    };

    const icon = (drawing) => {
        const [svg, path] = ["svg", "path"].map((name) =>
            document.createElementNS("http://www.w3.org/2000/svg", name)
        );
        svg.setAttribute("viewBox", "0 0 24 24");
        svg.setAttribute("aria-hidden", "true");
        path.setAttribute("d", drawing);
        svg.append(path);
        return svg;
    };

    const open = (place, ...children) => {
        const dialog = make("dialog", { className: "card" }, ...children);
        dialog.addEventListener("close", () => dialog.remove());
        dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
        place.append(dialog);
        dialog.showModal();
        return dialog;
    };

    globalThis.chatDialog = {
        make,

        // A picture for a button: a path on a square of 24 units.
        icon,

        // Opens a dialog with these children, and returns it. It is a child of `place`, and gone
        // when it is closed: a click beside it does that, too.
        open,

        // Asks before something is done that stays done; whether it is meant.
        confirm(place, question, yes, no = _("Cancel")) {
            const buttons = make(
                "p",
                { className: "card-buttons" },
                make("button", { value: "no", textContent: no, autofocus: true }),
                make("button", { value: "yes", className: "card-danger", textContent: yes }),
            );
            const words = make("p", { id: "dialog-question", textContent: question });
            const dialog = open(place, make("form", { method: "dialog" }, words, buttons));
            dialog.setAttribute("aria-labelledby", words.id);
            return new Promise((resolve) =>
                dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"))
            );
        },
    };
})();
