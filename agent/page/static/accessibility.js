// What the page does for those who read it by a screen reader, or use it by keys, an input method or
// another direction of writing; Gradio 6.31 does none of it. One object, `chatAccess`, for chat.js.
(() => {
    "use strict";

    // Whether the first letter of a text is of a script that is written from right to left. Not by
    // `dir="auto"`, for which Chromium takes half a minute where somebody pastes 2 MB.
    const FROM_THE_RIGHT = /^\P{L}*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u;
    const direction = (text) => FROM_THE_RIGHT.test(text.slice(0, 200)) ? "rtl" : "ltr";

    const { _, language } = globalThis.chatWords;

    // Names of Gradio's that are English in every language.
    const NAMES = {
        "Copy message": _("Copy message"),
        "Copy conversation": _("Copy conversation"),
    };

    // What is on the page has, as soon as it is there, what Gradio leaves out. Each by its elements,
    // which may be missing; then it does without.
    const MENDED = {
        // A panel says whether it is open; one of the app's own notes is none, and stays as it is, and
        // one in which nothing is, yet, does not open.
        ".thought-group > .title": (title) => {
            const isNote = title.querySelector("strong") !== null;
            const isEmpty = title.parentElement.querySelector(".prose:empty") !== null;
            const isOpen = String(title.nextElementSibling !== null);
            const own = { "role": "button", "tabindex": 0, "aria-expanded": isOpen };
            for (const [name, value] of Object.entries(own)) {
                if (isNote || isEmpty) title.removeAttribute(name);
                else title.setAttribute(name, value);
            }
        },
        // The same in the page's language; a button that has words goes by these.
        "button[aria-label^=Copy]": (button) => {
            const name = NAMES[button.getAttribute("aria-label")];
            if (name) Object.assign(button, { ariaLabel: name, title: name });
        },
        ".example, button svg": (element) => element.removeAttribute("aria-label"),
        // Buttons are no items of a list.
        ".examples[role=list]": (examples) => examples.setAttribute("role", "group"),
        // Right-to-left text is laid out so, block by block.
        ".message-content :is(p, ul, ol, table, blockquote, h1, h2, h3, h4)": (block) => {
            block.dir = direction(block.textContent);
        },
        // A message that is edited may begin above what is in view.
        "textarea.edit-textarea": (box) => box.scrollIntoView({ block: "nearest" }),
        // What scrolls by itself can be scrolled by keys.
        "pre, table, .katex-display, p:has(.katex)": (block) => {
            if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
        },
    };

    const mend = (part) => {
        for (const [selector, act] of Object.entries(MENDED)) {
            part.querySelectorAll(selector).forEach(act);
        }
    };

    // Once per frame, and only what has changed: an answer that grows changes many times.
    const mendAll = (chat) => {
        const changed = new Set();
        const mendChanged = () => {
            changed.forEach(mend);
            changed.clear();
        };
        new MutationObserver((changes) => {
            if (!changed.size) requestAnimationFrame(mendChanged);
            for (const { target } of changes) changed.add(target.closest(".message-row") ?? chat);
        }).observe(chat, { childList: true, subtree: true });
        addEventListener("resize", () => mend(chat));
        mend(chat);
    };

    const press = (selector) => {
        const found = [...document.querySelectorAll(selector)].at(-1);
        found?.click();
        return found !== undefined;
    };

    // Where what has the focus is taken away, such as a message with its buttons, the box gets it.
    const keepFocus = (log, box) => {
        let last = null;
        addEventListener("focusin", ({ target }) => last = target);
        new MutationObserver(() => {
            const isLost = document.activeElement === document.body && last?.isConnected === false;
            if (isLost && !box.disabled && !isTouch()) box.focus();
        }).observe(log, { childList: true, subtree: true });
    };

    // Pixels: in a narrower window the open side bar covers the chat.
    const COVERS_BELOW = 768;

    const SIDE_BAR = "#side-bar";

    const isCovered = () =>
        innerWidth < COVERS_BELOW && document.querySelector(`${SIDE_BAR}.open`) !== null;

    // What is covered is out of reach of keys, too.
    const watchSideBar = () => {
        const bar = document.querySelector(SIDE_BAR);
        const look = () => {
            for (const part of bar?.parentElement.children ?? []) {
                part.inert = part !== bar && isCovered();
            }
        };
        const opener = bar?.querySelector(".toggle-button"), name = _("Your chats");
        if (opener) Object.assign(opener, { ariaLabel: name, title: name });
        // Folded, the bar shows an icon in place of its words.
        const begin = document.getElementById("new-chat");
        if (begin) begin.title = begin.textContent.trim();
        if (bar) new MutationObserver(look).observe(bar, { attributeFilter: ["class"] });
        addEventListener("resize", look);
        addEventListener("click", ({ target }) => bar?.contains(target) || uncover(), true);
    };

    // Closes the side bar if it covers the chat; whether it did.
    const uncover = () => isCovered() && press(`${SIDE_BAR} > .toggle-button`);

    // Gradio's buttons by their places, because their labels are in the page's language: those of a
    // message that is edited, and of one's own messages.
    const OF_EDITED = ".message-row:has(.edit-textarea) + .message-buttons .icon-button";
    const SUBMIT = `${OF_EDITED}:first-child`, CANCEL = `${OF_EDITED}:last-child`;
    const EDIT = ".message-buttons-right .icon-button:last-child";

    const isEdited = (element) => element.matches?.(".edit-textarea");

    // What takes Escape itself: a dialog, a menu of the side bar, the name that a chat is given.
    const ON_TOP = "dialog[open], [role=menu], .chat-name";

    // Leaves what lies on top; whether anything did.
    const leave = (element) => {
        if (document.querySelector(ON_TOP)) return false;
        if (uncover() || chatFeedback.leave(element)) return true;
        return isEdited(element) ? press(CANCEL) : press(".stop-button");
    };

    // Milliseconds after which what was read aloud is taken away, so that nobody who goes through the
    // page meets it a second time. Chosen, not measured: a screen reader takes it up at once.
    const SPOKEN_FOR = 3000;

    // A way to have something read aloud that is not seen; an alert is read before all else.
    const speaker = (role) => {
        const place = document.createElement("div");
        place.className = "spoken";
        place.setAttribute("role", role);
        document.body.append(place);
        let silence;
        return (text) => {
            place.textContent = text;
            clearTimeout(silence);
            silence = setTimeout(() => place.textContent = "", SPOKEN_FOR);
        };
    };

    // What stands in the last answer: its words, and the app's own notes.
    const lastAnswer = (log) => {
        const answers = log.querySelectorAll(".bot-row");
        const parts = [...answers[answers.length - 1]?.querySelectorAll("[data-testid=bot]") ?? []];
        const isNote = (part) => part.querySelector(".thought-group .title strong") !== null;
        const isPanel = (part) => part.querySelector(".thought-group") !== null;
        const text = (chosen) => chosen.map((part) => chatCopying.textIn(part).trim()).join("\n\n");
        return {
            words: text(parts.filter((part) => !isPanel(part))),
            notes: text(parts.filter(isNote)),
        };
    };

    // Gradio's log would have an answer read anew at each of its updates. In its place it is said
    // once that an answer begins, and once what it is; what the app itself says comes first.
    const announce = (log, box, { answering }) => {
        log.setAttribute("aria-live", "off");
        const tell = speaker("status");
        const warn = speaker("alert");
        let isAnswering = false;
        const look = () => {
            const isRunning = document.querySelector(".stop-button") !== null;
            if (isRunning === isAnswering) return;
            isAnswering = isRunning;
            if (isRunning) return tell(answering);
            const { words, notes } = lastAnswer(log);
            warn(notes);
            tell(words);
        };
        // Stop stands where Send was, and the box is locked, while an answer runs.
        const frame = box.closest(".block") ?? box;
        new MutationObserver(look).observe(frame, { childList: true, subtree: true });
    };

    // An input method ends its own work with Enter, which is no Enter of the page's: with it
    // Safari, and others on macOS, report the number 229.
    const isComposed = ({ isComposing, keyCode }) => isComposing || keyCode === 229;

    // On a touch screen Enter begins a new line, as there is no Shift; the button sends.
    const isTouch = () => matchMedia("(pointer: coarse) and (hover: none)").matches;

    const keys = (box) => {
        const listen = (event) => {
            const isInBox = event.target === box;
            if (event.key === "Enter" && isInBox && (isComposed(event) || isTouch())) {
                event.stopImmediatePropagation();
            }
            if (event.type !== "keydown" || isComposed(event)) return;
            const isPanel = event.target.matches?.(".title[role=button]");
            const isSent = !event.shiftKey && !isTouch() && isEdited(event.target);
            const isDone = {
                "Enter": () => isSent && press(SUBMIT),
                "Escape": () => leave(event.target),
                " ": () => isPanel && (event.target.click(), true),
                "ArrowUp": () => isInBox && !box.value && press(EDIT),
            }[event.key]?.();
            if (isDone) event.preventDefault();
        };
        addEventListener("keydown", listen, true);
        addEventListener("keypress", listen, true);
    };

    globalThis.chatAccess = {
        uncover,

        // Called when all components are there. What visitor and agent say is in any language.
        watch(log, box, words) {
            const { style } = document.documentElement;
            document.documentElement.lang = language;
            // Who speaks, for screen readers (looks.css).
            style.setProperty("--you-said", JSON.stringify(_("You said: ")));
            style.setProperty("--agent-said", JSON.stringify(_("The agent: ")));
            watchSideBar();
            globalThis.chatScheme?.watch(words.scheme);
            if (log) {
                log.lang = "";
                log.setAttribute("aria-label", _("The chat"));
                mendAll(log.closest("#conversation") ?? log);
            }
            if (box) {
                const turn = () => {
                    box.dir = box.value ? direction(box.value) : globalThis.chatWords.direction;
                };
                turn();
                box.addEventListener("input", turn);
                keys(box);
            }
            if (log && box) {
                keepFocus(log, box);
                announce(log, box, words);
            }
        },
    };
})();
