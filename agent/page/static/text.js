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
        // What is copied has the agent's thoughts and tools in it.
        log: "[role=log]",
        messages: ".message-row",
        answerButtons: ".message-buttons-left",
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

    const keepPlain = (element) => {
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

    // What agent/render/markdown.py and `to_question` have put into a text, and what it was before.
    const WRITTEN = [
        // An answer that is JSON, shown as code.
        [/(`{3,})json\n([^]*?)\n\1\n\u2063/g, "$2"],
        // The number of a source, as it is written and as it is shown.
        [/\u2063(?:\[\\\[\d+\\\]\]\([^\u2063]*\)|\\\[\d+\\\]|\[\d+\])\u2063/g, ""],
        [/\u2063(`+)(\$\$[^\u2063]*)\1\u2063/g, "$2"],
        ["\u2063", ""],
        ["&#00060;", "\\<"],
        [/&?#0060;|<\u2060/g, "<"],
        ["&#0038;", "&"],
        ["#0036;", "$$"],
    ];
    const asSaid = (text) =>
        WRITTEN.reduce((said, [shown, before]) => said.replaceAll(shown, before), text);

    // The text of each diagram, before it is drawn.
    const sources = new WeakMap();

    // Mermaid draws a bomb in place of what it does not understand.
    const showSource = (diagram) => {
        const code = document.createElement("code");
        code.textContent = asSaid(sources.get(diagram));
        const source = document.createElement("pre");
        source.append(code);
        diagram.replaceChildren(source);
    };

    const watchDiagrams = (node) => {
        for (const diagram of matching(node, `${ELEMENTS.diagram}:not([data-processed])`)) {
            sources.set(diagram, diagram.textContent);
        }
        const diagram = node.closest(ELEMENTS.diagram);
        if (diagram?.querySelector(".error-icon") && sources.has(diagram)) {
            setTimeout(() => showSource(diagram)); // Mermaid is not done with its drawing.
        }
    };

    const watchText = (conversation) =>
        new MutationObserver((changes) => {
            for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
                if (!(node instanceof Element)) continue;
                const isWithin = node.closest(ELEMENTS.text) !== null;
                for (const text of isWithin ? [node] : matching(node, ELEMENTS.text)) {
                    matching(text, "*").filter((each) => each instanceof HTMLElement)
                        .forEach(keepPlain);
                    watchDiagrams(text);
                }
            }
        }).observe(conversation, { subtree: true, childList: true });

    // Copying. What was said is copied in the very characters of who has said it.

    // Neighbours by the same speaker, which Gradio shows in one bubble.
    const groups = (page) =>
        page.reduce((before, message) => {
            const last = before.at(-1);
            if (last?.[0].role === message.role) last.push(message);
            else before.push([message]);
            return before;
        }, []);

    // The id of messages that stand beside the words.
    let aside = "";

    // The words alone: without thoughts, tools, files, sources, and the app's own notes.
    const wordsOf = (messages) =>
        messages.filter(({ metadata }) => !metadata?.title && metadata?.id !== aside)
            .map(globalThis.chat.textOf);

    // What is to be copied where Gradio would copy `text`, because this element was pressed.
    const toCopy = (text, pressed) => {
        const conversation = pressed?.closest(ELEMENTS.conversation);
        const rows = [...conversation?.querySelectorAll(ELEMENTS.messages) ?? []];
        const shown = groups(globalThis.chat.state.page);
        if (rows.length === 0 || rows.length !== shown.length) return asSaid(text);
        if (!pressed.closest(ELEMENTS.log)) {
            return asSaid(
                shown.flatMap((group) =>
                    wordsOf(group).map((words) => `${group[0].role}: ${words}`)
                ).join("\n\n"),
            );
        }
        const buttons = pressed.closest(ELEMENTS.answerButtons);
        const row = rows.indexOf(buttons?.previousElementSibling);
        return asSaid(row < 0 ? text : wordsOf(shown[row]).join("\n\n"));
    };

    const watchCopying = () => {
        let pressed = null;
        document.addEventListener("click", ({ target }) => {
            pressed = target;
            setTimeout(() => pressed = null);
        }, true);
        const { clipboard } = navigator;
        const write = clipboard?.writeText.bind(clipboard);
        if (clipboard) clipboard.writeText = (text) => write(toCopy(text, pressed));
        // By hand; and by Gradio's buttons, where the page is served without HTTPS.
        document.addEventListener("copy", (event) => {
            const text = event.target.value ?? String(getSelection());
            const copied = pressed ? toCopy(text, pressed) : asSaid(text);
            if (copied === text || (event.target.value && !pressed)) return;
            event.clipboardData.setData("text/plain", copied);
            event.preventDefault();
        });
    };

    globalThis.chatText = {
        watch(asideId) {
            aside = asideId;
            const conversation = document.querySelector(ELEMENTS.conversation);
            if (conversation) watchText(conversation);
            watchCopying();
        },
    };
})();
