// What is other where the page stands in the panel on another site's page (agent/api/embed.js).
(() => {
    "use strict";

    const NAME = "adk-chat"; // Of the panel's frame.
    if (globalThis.name !== NAME || globalThis.parent === globalThis) return;

    // The title stands on the panel (looks.css).
    document.documentElement.dataset.embedded = "";

    // What the panel hears. It says nothing else, and so may be heard by whoever shows the page, which
    // the security headers let only sites do that the host has named.
    const CLOSE = "adk-chat: close";

    // Escape closes the panel, if nothing in the page has taken it.
    addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
        if (!document.querySelector("dialog[open], [role=menu]")) parent.postMessage(CLOSE, "*");
    });

    // Who opens the panel can type at once; on a touch screen that would open the keyboard.
    addEventListener("focus", () => {
        const box = chatBox.find();
        const isFree = box && !box.disabled && document.activeElement === document.body;
        if (isFree && matchMedia("(hover: hover)").matches) box.focus();
    });
})();
