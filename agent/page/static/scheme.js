// Light or dark: as the visitor's system has it, until the visitor chooses otherwise, which the browser
// keeps. One object, `chatScheme`, for chat.js. It runs in the <head> of the page before anything is
// drawn, so that nothing flashes.
(() => {
    "use strict";

    const KEY = "light or dark";

    const SYSTEM = matchMedia("(prefers-color-scheme: dark)");
    const ofSystem = () => SYSTEM.matches ? "dark" : "light";

    // A browser may forbid to store anything: then the choice is this page's alone.
    let chosen = null;
    try {
        chosen = localStorage.getItem(KEY);
    } catch { /* As if nothing was chosen. */ }

    const keep = () => {
        try {
            if (chosen) localStorage.setItem(KEY, chosen);
            else localStorage.removeItem(KEY);
        } catch { /* It lasts as long as the page. */ }
    };

    // Gradio marks a dark page by a class of its body; by itself it follows the system.
    const isDark = () => document.body.classList.contains("dark");

    const show = (scheme) => {
        document.documentElement.dataset.scheme = scheme;
        document.body?.classList.toggle("dark", scheme === "dark");
        // What is around the page, on a phone.
        for (const meta of document.querySelectorAll("meta[name=theme-color]")) {
            const own = meta.dataset.media ??= meta.media;
            const isMeant = own.includes(scheme);
            meta.media = chosen ? (isMeant ? "all" : "not all") : own;
        }
    };

    const showChosen = () => chosen && show(chosen);

    showChosen();
    // When the body has come, and whenever Gradio has changed what is chosen.
    const watchBody = () => {
        showChosen();
        const look = () => chosen && isDark() !== (chosen === "dark") && showChosen();
        new MutationObserver(look).observe(document.body, { attributeFilter: ["class"] });
    };
    new MutationObserver((_, observer) => {
        if (!document.body) return;
        observer.disconnect();
        watchBody();
    }).observe(document.documentElement, { childList: true });

    globalThis.chatScheme = {
        // Puts a button at the end of the side bar that changes between light and dark. Who chooses
        // what the system has follows the system again.
        watch(label) {
            const place = document.querySelector("#side-bar .sidebar-content");
            if (!place || document.getElementById("scheme")) return;
            const button = document.createElement("button");
            button.id = "scheme";
            button.type = "button";
            button.textContent = label;
            button.addEventListener("click", () => {
                const scheme = isDark() ? "light" : "dark";
                chosen = scheme === ofSystem() ? null : scheme;
                keep();
                show(scheme);
                if (!chosen) delete document.documentElement.dataset.scheme;
            });
            place.append(button);
        },
    };
})();
