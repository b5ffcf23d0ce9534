// What the chat page does in the browser: one object, `chat`.
//
// agent/page/browser.py puts this file into the head of the page, where it runs before Gradio makes
// any component, and hands its constants to `chat.start`. A listener's `js=` in Python names one of
// the methods, which gets the values of the listener's inputs and returns those of its outputs.
//
// The words of this file:
//   page      what the Chatbot shows: an array of messages, each by the visitor ("user") or not
//   question  what the visitor asks: {text, number, count}. Its number tells it from the same words
//             another time; `count` is how many questions stand above it on the page.
//   answer    what the server sends: JSON on the first line, and below it the text of its last
//             message, which grows (agent/page/protocol.py).
(() => {
    "use strict";

    // All that is known here of Gradio 6.31's page, and that Gradio documents nowhere.

    // Elements. Where one is missing, the page does without what is said beside it.
    const ELEMENTS = {
        log: "[role=log]", // Following the newest words; links of drawings open in this tab.
        question: "[data-testid=user]", // The same.
        textBox: "#message textarea", // Having the keyboard back when an answer is over.
        openSidebar: ".sidebar.open", // Its list shows what has changed when it is opened again.
        sidebarToggle: ".sidebar.open .toggle-button", // A phone's visitor folds it by hand.
    };
    const SIDEBAR_COVERS = 768; // A window less wide than so many pixels.

    // What stands for a component in a method's result to change some of its properties, and to
    // change none; as gr.update() and gr.skip() in Python. Without it no text box can be locked.
    const update = (properties) => ({ __type__: "update", ...properties });
    const SAME = update({});

    // A message with one content as the Chatbot takes it, which is never without these keys; and
    // the text of one that it hands over, in whichever of its forms.
    const toMessage = ({ content, ...message }) => (
        { metadata: null, options: null, ...message, content: [content] }
    );
    const textOfPart = (part) => typeof part === "string" ? part : part.text ?? "";
    const textOf = ({ content }) => [content].flat().map(textOfPart).join("");

    // What this page remembers, for as long as it is open.
    const state = {
        shownQuestion: null, // The number of the question that was put on the page last.
        shownAnswer: null, // The last answer that was put there, as it came.
        askedAt: -Infinity, // When something was typed and sent: milliseconds of performance.now().
        redrawAt: 0, // Before that no answer is drawn, by the same clock.
        ...globalThis.chat?.state, // Gradio's reload mode runs this file again on an open page.
    };

    let constants = {}; // What `start` is given.

    // Questions and the page.

    const DOUBLE_PRESS = 500; // A key that is pressed twice within so many milliseconds asks once.

    const newQuestion = (text, count) => ({ text, number: Math.random(), count });

    // Whether it is yet to be put on the page.
    const isOnItsWay = (question) => (
        question !== null && question.number !== state.shownQuestion
    );

    // At which places on the page the questions are.
    const places = (page) => page.flatMap(({ role }, place) => role === "user" ? [place] : []);

    // A visitor's tags are shown as they were typed: no HTML begins with "<" and a word joiner
    // (`to_question` in agent/render/messages.py).
    const showable = (text) => text.replace(/<(?=[a-z/!?])/gi, "<" + constants.wordJoiner);
    const typed = (message) => textOf(message).replaceAll("<" + constants.wordJoiner, "<");

    // The browser keeps a message until the server has it: where the line is down, Gradio loads the
    // page anew. That takes a millisecond, for which nobody need wait.
    const keepUnsent = (unsent) => {
        setTimeout(() => history.replaceState({ ...history.state, unsent }, ""));
    };

    // Answers.

    // A drawing that takes no longer than so many milliseconds is not followed by a rest.
    const QUICK_DRAWING = 25;

    // A page that nobody looks at is not drawn; it takes an answer once in so many milliseconds.
    const HIDDEN_INTERVAL = 1000;

    const parseAnswer = (sent) => {
        const [line, ...text] = sent.split("\n");
        const answer = JSON.parse(line);
        if (answer.messages.length) answer.messages.at(-1).content.text = text.join("\n");
        return answer;
    };

    // To draw a long chat takes a slow phone longer than the next words are on their way: by itself
    // it would fall behind by the second. So it rests after each drawing for about as long as that
    // took.
    const restAfterDrawing = () => {
        state.redrawAt = performance.now() + HIDDEN_INTERVAL;
        requestAnimationFrame((begun) =>
            setTimeout(() => {
                const cost = performance.now() - begun;
                state.redrawAt = performance.now() + Math.max(0, cost - QUICK_DRAWING);
            })
        );
    };

    // The page as a whole.

    // So near to the end of the chat, in pixels, a reader is taken to be at the end.
    const NEAR_THE_END = 40;

    // The browser scrolls, too, when something on the page folds. A reader does so within so many
    // milliseconds of a wheel, a finger or a key.
    const BY_HAND = 1000;

    // Keeps the newest words in view, and leaves a reader who has scrolled up in peace until the
    // next question. Gradio's own autoscroll pulls everybody down 300 ms after each update, and so
    // never lets go of a stream.
    const followNewestWords = (log) => {
        let atEnd = true, asked = 0, movedAt = -Infinity;
        const stay = () => {
            const questions = log.querySelectorAll(ELEMENTS.question).length;
            atEnd = atEnd || questions > asked;
            asked = questions;
            if (atEnd && questions) log.scrollTop = log.scrollHeight;
        };
        log.addEventListener("scroll", () => {
            const isNear = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_THE_END;
            atEnd = isNear || (atEnd && performance.now() - movedAt > BY_HAND);
        });
        const moved = () => {
            movedAt = performance.now();
        };
        addEventListener("wheel", moved, { passive: true });
        addEventListener("touchmove", moved, { passive: true });
        addEventListener("keydown", (event) => /Up|Home/.test(event.key) && moved());
        // The scroll bar is no part of what is in the log.
        log.addEventListener("pointerdown", (event) => event.target === log && moved());
        const sizes = new ResizeObserver(stay);
        const watch = () => [log, ...log.children].forEach((part) => sizes.observe(part));
        new MutationObserver(watch).observe(log, { childList: true });
        watch();
    };

    // Opens every link in a tab of its own. Gradio sees to that in text, but not in drawings (SVG,
    // mermaid) and maps, whose links would take the conversation away.
    const openLinksApart = () =>
        document.addEventListener("click", (event) => {
            const link = event.target.closest(`${ELEMENTS.log} :is(a, area)`);
            link?.setAttribute("target", "_blank");
            link?.setAttribute("rel", "noopener noreferrer");
        }, true);

    // Gives the keyboard back to the text box, which has lost it by being locked; not where that
    // would bring up a keyboard on the screen.
    const giveFocusBack = (box) =>
        new MutationObserver(() => {
            const isFree = !box.disabled && document.activeElement === document.body;
            if (isFree && matchMedia("(hover: hover)").matches) box.focus();
        }).observe(box, { attributeFilter: ["disabled"] });

    const DOWNLOAD_TIMEOUT = 60_000; // Milliseconds for which a file is there to be saved.

    globalThis.chat = {
        state,

        // {idle, busy, noMessage, wordJoiner}: how the text box is changed when one can type, and
        // while an answer runs; what is said to an empty message; and `JOINER` of
        // agent/render/messages.py.
        start(given) {
            constants = given;
        },

        // When all components are there.
        watchPage() {
            const log = document.querySelector(ELEMENTS.log);
            const box = document.querySelector(ELEMENTS.textBox);
            if (log) followNewestWords(log);
            if (box) giveFocusBack(box);
            openLinksApart();
        },

        // Something is asked: what, and the text box.

        // What is typed. Half of a surrogate pair cannot be sent as UTF-8.
        ask(text, page, question) {
            text = text.replaceAll("\0", "").replace(/\p{Surrogate}/gu, "\ufffd");
            const isBlank = !text.trim();
            const isAgain = performance.now() - state.askedAt < DOUBLE_PRESS;
            if (isOnItsWay(question) || (isBlank && isAgain)) return [SAME, SAME];
            if (isBlank) return [SAME, update({ value: "", placeholder: constants.noMessage })];
            state.askedAt = performance.now();
            keepUnsent(text);
            return [newQuestion(text, places(page).length), { ...constants.busy, value: "" }];
        },

        // The visitor's last message, again.
        retry(page, question) {
            if (isOnItsWay(question)) return [SAME, SAME];
            const asked = places(page);
            return [newQuestion(typed(page[asked.at(-1)]), asked.length - 1), constants.busy];
        },

        // The message at a place of the page, in other words.
        edit({ text, place }, page) {
            return [newQuestion(text, places(page.slice(0, place)).length), constants.busy];
        },

        // Puts a question on the page, below as many others as it says; what stands after them
        // goes. First it waits until the question is sent.
        async showQuestion(question, page) {
            if (!isOnItsWay(question)) return [SAME];
            state.shownQuestion = question.number;
            await new Promise((sent) => setTimeout(sent));
            const end = places(page)[question.count] ?? page.length;
            const content = { type: "text", text: showable(question.text) };
            return [[...page.slice(0, end), toMessage({ role: "user", content })]];
        },

        // An answer comes.

        // Puts what has come of the last question below it, unless something else has been asked
        // since, or another chat is there. So the server need not be sent what is on the page, and
        // sends no more than what is new. What comes while the page rests is shown when the timer
        // has it looked at again.
        // The outputs are the page, the visitor, the session and the timer.
        showAnswer(sent, question, page) {
            const nothing = [SAME, SAME, SAME, update({ active: false })];
            if (!sent || sent === state.shownAnswer) return nothing;
            if (performance.now() < state.redrawAt) {
                return [SAME, SAME, SAME, update({ active: true })];
            }
            const answer = parseAnswer(sent);
            const asked = places(page);
            if (answer.number !== question?.number) return nothing;
            if (asked.length !== question.count + 1) return nothing;
            state.shownAnswer = sent;
            restAfterDrawing();
            if (history.state?.unsent) keepUnsent("");
            const [visitor, session] = answer.where ?? [SAME, SAME];
            const shown = [...page.slice(0, asked.at(-1) + 1), ...answer.messages.map(toMessage)];
            return [shown, visitor, session, update({ active: false })];
        },

        // The end of an answer waits for no rest.
        redrawNow() {
            state.redrawAt = 0;
        },

        // One can type again when the answer to that question, and to no other, is over.
        endAnswer(number, question) {
            return number === question?.number ? constants.idle : SAME;
        },

        // Something is taken back, or the text box locked.

        // Puts the visitor's last message back into the text box.
        undo(page) {
            const last = places(page).at(-1);
            if (last === undefined) return [page, constants.idle];
            return [page.slice(0, last), { ...constants.idle, value: typed(page[last]) }];
        },

        // The same with a question that could not be sent.
        giveBack(question, page) {
            if (page.at(-1)?.role !== "user") return [page, constants.idle];
            return [page.slice(0, -1), { ...constants.idle, value: question.text }];
        },

        // What is typed; or, on a page that was loaded again, what the server never had.
        unsent(text) {
            return text || (history.state?.unsent ?? "");
        },

        lock() {
            return update({ interactive: false });
        },

        unlock() {
            return constants.idle;
        },

        // The sidebar, and what the browser keeps.

        // On a phone the sidebar covers the chat that has just been opened. Passes its inputs on.
        closeSidebar(...inputs) {
            if (innerWidth < SIDEBAR_COVERS) {
                document.querySelector(ELEMENTS.sidebarToggle)?.click();
            }
            return inputs;
        },

        // Another value each time in which what the open sidebar lists has changed; none while it
        // is folded, so that the server is not asked for a list that nobody sees.
        listChanged() {
            return document.querySelector(ELEMENTS.openSidebar) ? String(Math.random()) : "";
        },

        // The browser knows which session is on the page of each window, and shows it nowhere.
        rememberSession(place) {
            history.replaceState({ ...history.state, place }, "");
        },

        // The same, for a page that is loaded again.
        recallSession(visitor) {
            return [visitor, history.state?.place ?? ""];
        },

        // Fills in, as the last input, where the browser has found this page, whatever proxies
        // there are.
        pageUrl(...inputs) {
            const url = location.href.split(/[?#]/)[0].replace(/[/]?$/, "/");
            return [...inputs.slice(0, -1), url];
        },

        // Saves what was sent as a file: so the server keeps none, and needs no address for one
        // that others could find.
        saveFile(file) {
            if (file === null) return null;
            const link = document.createElement("a");
            link.href = URL.createObjectURL(new Blob([file.text]));
            link.download = file.name;
            link.click();
            setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_TIMEOUT);
            return null;
        },
    };
})();
