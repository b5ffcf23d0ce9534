// On a page of another site: a button in the corner, and the panel with the chat that it opens. A
// function, which agent/api/embed has called with {style, language, direction, title, open,
// close}. The chat stands in a frame, of which the other site can read nothing.
((told) => {
    "use strict";

    const NAME = "adk-chat";

    // What the chat says when Escape is pressed in it (embedded.js).
    const CLOSE = "adk-chat: close";

    // On a screen no wider than this, in pixels, the panel fills it (embed.css).
    const PHONE = matchMedia("(max-width: 640px)");

    // The lines of a speech bubble, as an SVG path.
    const BUBBLE = "M4 4h16v12H10l-4 4v-4H4z";

    const address = document.currentScript?.src;
    if (!address) {
        console.warn('The chat needs <script src="…/embed.js"></script>, and no type="module".');
        return;
    }
    if (document.querySelector(NAME)) return;

    const make = (tag, properties, ...children) => {
        const element = Object.assign(document.createElement(tag), properties);
        element.append(...children);
        return element;
    };

    const drawing = (line) => {
        const [svg, path] = ["svg", "path"].map((tag) =>
            document.createElementNS("http://www.w3.org/2000/svg", tag)
        );
        svg.setAttribute("viewBox", "0 0 24 24");
        svg.setAttribute("aria-hidden", "true");
        path.setAttribute("d", line);
        svg.append(path);
        return svg;
    };

    // Beside the script, for the agent that its address names.
    const page = new URL("./", address);
    page.search = new URL(address).search;

    const opener = make("button", { type: "button", className: "opener" }, drawing(BUBBLE));
    const closer = make("button", { type: "button", textContent: "×" });
    const bar = make(
        "div",
        { className: "bar" },
        make("span", { textContent: told.title }),
        closer,
    );
    const panel = make("dialog", { ariaLabel: told.title }, bar);
    const frame = make("iframe", {
        name: NAME, // By which the page knows where it is (embedded.js).
        title: told.title,
        allow: "clipboard-write; microphone",
    });
    opener.setAttribute("aria-haspopup", "dialog");
    closer.setAttribute("aria-label", told.close);

    const show = () => {
        opener.setAttribute("aria-expanded", String(panel.open));
        opener.setAttribute("aria-label", panel.open ? told.close : told.open);
    };

    const open = () => {
        // Not before it is wanted: it is a page of its own.
        if (!frame.isConnected) {
            frame.src = page.href;
            panel.append(frame);
        }
        if (PHONE.matches) panel.showModal();
        else panel.show();
        frame.focus();
        show();
    };

    opener.addEventListener("click", () => panel.open ? panel.close() : open());
    closer.addEventListener("click", () => panel.close());
    panel.addEventListener("keydown", ({ key }) => {
        if (key === "Escape") panel.close();
    });
    panel.addEventListener("close", () => {
        show();
        opener.focus();
    });
    addEventListener("message", ({ source, origin, data }) => {
        const isOurs = source === frame.contentWindow && origin === page.origin;
        if (isOurs && data === CLOSE) panel.close();
    });

    const begin = () => {
        const { language: lang, direction: dir } = told;
        const place = make(NAME, { lang, dir });
        // A tree of its own, which the site's styles do not reach.
        const root = place.attachShadow({ mode: "open" });
        const style = new CSSStyleSheet();
        style.replaceSync(told.style);
        root.adoptedStyleSheets = [style];
        root.append(panel, opener);
        show();
        document.body.append(place);
    };
    if (document.body) begin();
    else addEventListener("DOMContentLoaded", begin);
});
