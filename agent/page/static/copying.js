// What is copied from the page: the very characters of who has said it, as Markdown, and beside them
// what one sees, as formatted text for a letter or a document. One object, `chatCopying`; chat.js
// calls its `watch`.
(() => {
    "use strict";

    // What this file knows of Gradio 6.31's front end. Each may be missing; then:
    const ELEMENTS = {
        // What is copied has the agent's thoughts and tools in it.
        conversation: "#conversation",
        log: "[role=log]",
        messages: ".message-row",
        answerButtons: ".message-buttons-left",
        // No formatted text is copied.
        parts: "[data-testid=user], [data-testid=bot]",
        text: ".message-content",
        // The first line of code is copied without its blanks.
        codeButton: ".copy_code_button",
        // Formulas and diagrams are copied as a browser sees fit.
        formula: ".katex-display, .katex",
        tex: "annotation",
        diagram: ".mermaid",
    };

    // What agent/render and `to_question` have put into a text, and what it was before.
    const WRITTEN = [
        // An answer that is JSON, shown as code.
        [/(`{3,})json\n([^]*?)\n\1\n\u2063/g, "$2"],
        // The number of a source, as it is written and as it is shown.
        [/\u2063(?:\[\\\[\d+\\\]\]\([^\u2063]*\)|\\\[\d+\\\]|\[\d+\])\u2063/g, ""],
        // A formula that is shown as code, on one line; a formula in a quotation.
        [
            /\u2063(`{5,})((?:[^\u2063]|\u2063{2} )*)\1\u2063/g,
            (_, _ticks, formula) => formula.replaceAll("\u2063\u2063 ", "\n"),
        ],
        [/%\u2063([> \t]+)\n/g, "\n$1"],
        ["\u2063", ""],
        ["&#00060;", "\\<"],
        [/&?#0060;|<\u2060/g, "<"],
        ["&#0038;", "&"],
        ["#0036;", "$$"],
    ];
    const asSaid = (text) =>
        WRITTEN.reduce((said, [shown, before]) => said.replaceAll(shown, before), text);

    // Neighbours by the same speaker, which Gradio shows in one bubble.
    const groups = (page) =>
        page.reduce((before, message) => {
            const last = before.at(-1);
            if (last?.[0].role === message.role) last.push(message);
            else before.push([message]);
            return before;
        }, []);

    // The ids of messages that stand beside the words.
    let beside = [];

    // The words alone: without thoughts, tools, files, sources, the line of figures below an
    // answer, and the app's own notes.
    const isWords = ({ metadata }) => !metadata?.title && !beside.includes(metadata?.id);

    const texts = (messages) => messages.filter(isWords).map(chatMessages.textOf);

    // A copy of what is shown that other programs can read. Few of them draw formulas or diagrams.
    const formatted = (part) => {
        const copy = part.cloneNode(true);
        copy.querySelectorAll("button").forEach((button) => button.remove());
        for (const formula of copy.querySelectorAll(ELEMENTS.formula)) {
            const tex = formula.querySelector(ELEMENTS.tex)?.textContent;
            const delimiter = formula.matches(".katex-display") ? "$$" : "$";
            if (tex) formula.replaceWith(`${delimiter}${asSaid(tex)}${delimiter}`);
        }
        const drawn = part.querySelectorAll(ELEMENTS.diagram);
        copy.querySelectorAll(ELEMENTS.diagram).forEach((diagram, index) => {
            const source = document.createElement("pre");
            source.textContent = globalThis.chatText.sourceOf(drawn[index]);
            diagram.replaceWith(source);
        });
        return copy;
    };

    // Where a row shows the words of its messages.
    const wordsIn = (row, messages) => {
        const parts = [...row.querySelectorAll(ELEMENTS.parts)];
        if (parts.length !== messages.length) return [];
        return parts.filter((_, index) => isWords(messages[index]))
            .map((part) => part.querySelector(ELEMENTS.text)).filter(Boolean);
    };

    const html = (row, messages) =>
        wordsIn(row, messages)
            .map((text) => formatted(text).innerHTML.replaceAll("\u2063", "")).join("");

    // What is to be copied where Gradio would copy `text`, because this element was pressed.
    const toCopy = (text, pressed) => {
        const code = pressed?.closest(ELEMENTS.codeButton)?.parentElement.querySelector("code");
        if (code) return { text: code.textContent.replace(/\n$/, "") };
        const conversation = pressed?.closest(ELEMENTS.conversation);
        const rows = [...conversation?.querySelectorAll(ELEMENTS.messages) ?? []];
        const shown = groups(globalThis.chat.state.page);
        if (rows.length === 0 || rows.length !== shown.length) return { text: asSaid(text) };
        if (!pressed.closest(ELEMENTS.log)) {
            const said = shown.flatMap((group) =>
                texts(group).map((words) => `${group[0].role}: ${words}`)
            );
            const looks = shown.map((group, row) =>
                `<p><b>${group[0].role}:</b></p>${html(rows[row], group)}`
            );
            return { text: asSaid(said.join("\n\n")), html: looks.join("") };
        }
        const row = rows.indexOf(pressed.closest(ELEMENTS.answerButtons)?.previousElementSibling);
        if (row < 0) return { text: asSaid(text) };
        return { text: asSaid(texts(shown[row]).join("\n\n")), html: html(rows[row], shown[row]) };
    };

    const write = (clipboard, copied) => {
        const { text, html } = copied;
        const writeText = () => Clipboard.prototype.writeText.call(clipboard, text);
        if (!html || !globalThis.ClipboardItem) return writeText();
        const item = new ClipboardItem({
            "text/plain": new Blob([text], { type: "text/plain" }),
            "text/html": new Blob([html], { type: "text/html" }),
        });
        return clipboard.write([item]).catch(writeText);
    };

    // What a copy looks like as text. Its blocks are lines only where it is on the page.
    const laidOut = (copy) => {
        const place = document.createElement("div");
        place.className = "spoken"; // Out of sight.
        place.append(copy);
        document.body.append(place);
        const copied = { text: asSaid(place.innerText), html: place.innerHTML };
        place.remove();
        return copied;
    };

    // What is marked by hand. KaTeX has each formula three times on the page.
    const selected = () => {
        const selection = getSelection();
        const part = selection.rangeCount ? selection.getRangeAt(0).cloneContents() : null;
        const isDrawn = part?.querySelector(ELEMENTS.formula);
        return isDrawn ? laidOut(formatted(part)) : { text: asSaid(String(selection)) };
    };

    globalThis.chatCopying = {
        asSaid,
        groups,

        // The text of an element that is not on the page, each formula as it was written.
        textOf: (copy) => laidOut(formatted(copy)).text,

        // The same of one that is there.
        textIn: (part) =>
            part.querySelector(ELEMENTS.formula) ? laidOut(formatted(part)).text : part.innerText,

        wordsIn,

        // Takes the ids of messages that stand beside the words.
        watch(ids) {
            beside = ids;
            let pressed = null;
            document.addEventListener("click", ({ target }) => {
                pressed = target;
                setTimeout(() => pressed = null);
            }, true);
            const { clipboard } = navigator;
            if (clipboard) clipboard.writeText = (text) => write(clipboard, toCopy(text, pressed));
            // By hand; and by Gradio's buttons, where the page is served without HTTPS.
            document.addEventListener("copy", (event) => {
                const text = event.target.value ?? String(getSelection());
                if (event.target.value && !pressed) return;
                const copied = pressed ? toCopy(text, pressed) : selected();
                if (copied.text === text && !copied.html) return;
                event.clipboardData.setData("text/plain", copied.text);
                if (copied.html) event.clipboardData.setData("text/html", copied.html);
                event.preventDefault();
            });
        },
    };
})();
