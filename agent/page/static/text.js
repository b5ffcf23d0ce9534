// What the page does with the text of messages beside Gradio, which renders it: one object,
// `chatText`. chat.js calls its `watch` when all components are there.
(() => {
    "use strict";

    // What this file knows of Gradio 6.31's front end. Each may be missing; then:
    const ELEMENTS = {
        // Nothing of this is done.
        conversation: "#conversation",
        // An attribute that was let through by mistake stays; wrong diagrams hide their source.
        text: ".message-content",
        // The same for diagrams alone.
        diagram: ".mermaid",
        // Links in drawings open in this tab.
        log: "[role=log]",
        // It is shown as broken: the page loads none from elsewhere.
        picture: "img[src^=http]",
        // Nothing tells which language it is.
        code: "pre > code[class*=language-]",
        // Branches of a parallel step stand one below the other.
        title: ".title .md",
        // There are plain links in place of Google's search suggestions.
        suggestions: "p > a[href^='#']:first-child",
    };

    // Attributes that Gradio, its libraries and this app give to what they make of a text; no
    // others may be there. agent/render/markdown.py has made text of a model's own tags already,
    // but it may take for code what marked takes for HTML.
    const ATTRIBUTES = new Set(
        ("align alt aria-hidden aria-label checked class controls data-processed disabled href " +
            "rel src start target title type xmlns").split(" "),
    );
    // More of them in formulas and diagrams.
    const DRAWING = ".katex, .mermaid";
    const OF_DRAWINGS = new Set(["id", "style"]);

    // A form's own methods may be hidden by the fields in it.
    const { getAttributeNames, removeAttribute } = Element.prototype;

    // What this page itself has put into a text.
    const own = new WeakSet();

    const keepPlain = (element) => {
        if (own.has(element)) return;
        for (const name of getAttributeNames.call(element)) {
            const isDrawn = OF_DRAWINGS.has(name) && element.closest(DRAWING);
            if (!ATTRIBUTES.has(name) && !isDrawn) removeAttribute.call(element, name);
        }
    };

    // The elements within that node that match, and the node itself if it does.
    const matching = (node, selector) => [
        ...(node.matches(selector) ? [node] : []),
        ...node.querySelectorAll(selector),
    ];

    // What is said of a diagram that cannot be drawn, by its name.
    let words = {};

    // The text of each diagram, before it is drawn.
    const sources = new WeakMap();

    const sourceOf = (diagram) => chatCopying.asSaid(sources.get(diagram) ?? "");

    // Mermaid draws a bomb in place of what it does not understand.
    const showSource = (diagram) => {
        const code = document.createElement("code");
        code.textContent = sourceOf(diagram);
        const source = document.createElement("pre");
        source.append(code);
        const note = document.createElement("small");
        note.textContent = words.wrongDiagram;
        diagram.replaceChildren(source, note);
    };

    // Before 6.31 Gradio looks for diagrams while the text is not on the page yet.
    const drawsDiagrams = () =>
        globalThis.gradio_config?.version?.localeCompare("6.31", "en", { numeric: true }) >= 0;

    const watchDiagrams = (node) => {
        for (const diagram of matching(node, `${ELEMENTS.diagram}:not([data-processed])`)) {
            sources.set(diagram, diagram.textContent);
            if (drawsDiagrams()) continue;
            diagram.dataset.processed = "true"; // Mermaid then leaves it alone.
            showSource(diagram);
        }
        const diagram = node.closest(ELEMENTS.diagram);
        if (diagram?.querySelector(".error-icon") && sources.has(diagram)) {
            setTimeout(() => showSource(diagram)); // Mermaid is not done with its drawing.
        }
    };

    // A picture from elsewhere is a link with its words.
    const linkPictures = (node) => {
        for (const picture of matching(node, ELEMENTS.picture)) {
            if (new URL(picture.src).origin === location.origin) continue;
            const link = document.createElement(picture.closest("a") ? "span" : "a");
            link.textContent = picture.alt || picture.src;
            if (link.matches("a")) link.href = picture.src;
            picture.replaceWith(link);
        }
    };

    // Longer is no language's name.
    const MAX_NAME = 30;

    const nameLanguages = (node) => {
        for (const code of matching(node, ELEMENTS.code)) {
            const [, name] = code.className.match(/language-(\S+)/) ?? [];
            if (name?.length <= MAX_NAME) code.parentElement.dataset.language = name;
        }
    };

    // What only some answers need. Loads a file of static/later, and its style.
    const loaded = {};
    const later = (name) => loaded[name] ??= load(name);
    const load = (name) => {
        const place = `${globalThis.chat.pageUrl()}later/${name}`;
        const style = Object.assign(document.createElement("link"), { rel: "stylesheet" });
        style.href = `${place}.css`;
        document.head.append(style);
        return import(`${place}.js`);
    };

    // No model's text has a mark (agent/render/source_list.py).
    const drawSuggestions = (node) => {
        for (const link of matching(node, ELEMENTS.suggestions)) {
            if (link.textContent === "\u2063") {
                later("suggestions").then(({ draw }) => draw(link));
            }
        }
    };

    // A mark is before the title of each branch (agent/render/messages.py).
    let hasBranches = false;
    const watchBranches = async (node) => {
        const isBranch = ({ textContent }) => textContent.trimStart().startsWith("\u2063");
        const titles = matching(node.closest(ELEMENTS.title) ?? node, ELEMENTS.title);
        if (hasBranches || !titles.some(isBranch)) return;
        hasBranches = true;
        (await later("branches")).watch(document.querySelector(ELEMENTS.log));
    };

    const watchText = (conversation) =>
        new MutationObserver((changes) => {
            for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
                if (!(node instanceof Element)) continue;
                watchBranches(node);
                const isWithin = node.closest(ELEMENTS.text) !== null;
                for (const text of isWithin ? [node] : matching(node, ELEMENTS.text)) {
                    matching(text, "*").filter((element) => element instanceof HTMLElement)
                        .forEach(keepPlain);
                    watchDiagrams(text);
                    linkPictures(text);
                    nameLanguages(text);
                    drawSuggestions(text);
                }
            }
        }).observe(conversation, { subtree: true, childList: true });

    // Opens every link in a new tab. Gradio does so for links in text, but not for those in
    // drawings (SVG, mermaid) and image maps, which would replace the conversation.
    const openLinksInNewTabs = () =>
        document.addEventListener("click", (event) => {
            const link = event.target.closest(`${ELEMENTS.log} :is(a, area)`);
            link?.setAttribute("target", "_blank");
            link?.setAttribute("rel", "noopener noreferrer");
        }, true);

    globalThis.chatText = {
        later,
        own,
        sourceOf,

        // Called when all components are there, with the words of the page's own.
        watch(given) {
            words = given;
            openLinksInNewTabs();
            const conversation = document.querySelector(ELEMENTS.conversation);
            if (conversation) watchText(conversation);
        },
    };
})();
