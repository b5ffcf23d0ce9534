// What the chat page does in the browser: one object, `chat`.
//
// agent/page/browser.py puts this file into the head of the page, after the other scripts, where it
// runs before Gradio makes any component, and hands its constants to `chat.start`. A listener's `js=`
// in Python names one of the methods, which gets the values of the listener's inputs and returns
// those of its outputs.
//
// The words of this file:
//   page      what the Chatbot shows: an array of messages, each by the visitor ("user") or not
//   question  what the visitor asks: {text, number, count}. Its number tells it from the same words
//             another time; `count` is how many questions stand above it on the page.
//   reply     in place of a text: what a person answers to an agent that waits (cards.js).
//   answer    what the server sends: JSON on the first line, and below it the text of its last
//             message, which grows (agent/page/protocol.py).
(() => {
    "use strict";

    // What this file knows of Gradio 6.31's front end, none of which is documented, stands here.

    // Elements of the page. Each may be missing; then the page does without one thing:
    const ELEMENTS = {
        // The newest words are not kept in view, and links in drawings open in this tab.
        log: "#conversation [role=log]",
        // The newest words are not kept in view.
        question: "[data-testid=user]",
        // An open sidebar's list is not updated until it is closed and opened again.
        openSidebar: "#side-bar.open",
        // It is not said that the browser stores nothing.
        about: ".about",
        // On a phone the visitor closes the sidebar by hand.
        sidebarToggle: "#side-bar.open > .toggle-button",
    };

    // Pixels: in a narrower window the sidebar covers the chat.
    const SIDEBAR_COVERS_BELOW = 768;

    // What a method returns for a component to change some of its properties, or none, as
    // gr.update() and gr.skip() do in Python. This form and the next have no substitute: if Gradio
    // changes one, tests/page fails at once.
    const update = (properties) => ({ __type__: "update", ...properties });
    const SAME = update({});

    // A message as the Chatbot takes it, which must have all of these keys; and the text of a
    // message as the Chatbot hands it over: its content is a text, or parts of which some are.
    const toMessage = ({ content, ...message }) => (
        { metadata: null, options: null, ...message, content: [content] }
    );
    const textOfPart = (part) => typeof part === "string" ? part : part.text ?? "";
    const textOf = ({ content }) => [content].flat().map(textOfPart).join("");

    // What the page remembers while it is open. Times are milliseconds of performance.now().
    const state = {
        shownQuestion: null, // The number of the question that was put on the page last.
        shownAnswer: null, // The answer that was put there last, as it was sent.
        askedAt: -Infinity, // When a typed message was sent.
        redrawAt: 0, // No answer is drawn before this time.
        page: [], // What this file has put on the page last, or `keepPage` has found there.
        isTurning: false, // Whether another chat is on its way to the page.
        storesNothing: false, // Whether the browser lets this page store anything.
        ...globalThis.chat?.state, // Gradio's reload mode runs this file again on an open page.
    };

    // What `start` is given.
    let constants = {};

    // Helpers for questions.

    // Milliseconds within which a second Enter is taken for the same press.
    const DOUBLE_PRESS_INTERVAL = 500;

    const newQuestion = (text, count) => ({ text, number: Math.random(), count });

    // Whether it has been asked, but is not on the page yet.
    const isOnItsWay = (question) => (
        question !== null && question.number !== state.shownQuestion
    );

    // The indices of the questions on the page.
    const questionIndices = (page) =>
        page.flatMap(({ role }, index) => role === "user" ? [index] : []);

    // A visitor's tags are shown as they were typed: "<" and a word joiner begin no HTML tag, and
    // the joiner is invisible (`to_question` in agent/render/messages.py does the same).
    const showable = (text) =>
        text.replaceAll(constants.mark, "").replace(/<(?=[a-z/!?])/gi, "<" + constants.wordJoiner);
    const typed = (message) => textOf(message).replaceAll("<" + constants.wordJoiner, "<");

    // The browser keeps a message until the server has it, because Gradio reloads the page when the
    // connection fails. To keep it takes a millisecond, so the message is sent first.
    const keepUnsent = (unsent) => {
        setTimeout(() => history.replaceState({ ...history.state, unsent }, ""));
    };

    const mayTakeBack = (page, index) => chatCards.mayTakeBack(page.slice(index), constants);

    // Helpers for answers.

    // Milliseconds that a drawing may take without a pause after it.
    const FREE_DRAWING_TIME = 25;

    // Milliseconds between two updates of a hidden tab, where nothing is drawn.
    const HIDDEN_INTERVAL = 1000;

    const parseAnswer = (sent) => {
        const [line, ...text] = sent.split("\n");
        const answer = JSON.parse(line);
        if (answer.messages.length) answer.messages.at(-1).content.text = text.join("\n");
        return answer;
    };

    // On a slow phone a long chat takes longer to draw than the next words take to come: the page
    // would fall behind more and more. So it pauses after each drawing for about as long as that
    // took. The drawing ends with the first task after the next animation frame.
    const pauseAfterDrawing = () => {
        state.redrawAt = performance.now() + HIDDEN_INTERVAL;
        requestAnimationFrame((begun) =>
            setTimeout(() => {
                const cost = performance.now() - begun;
                state.redrawAt = performance.now() + Math.max(0, cost - FREE_DRAWING_TIME);
            })
        );
    };

    // Helpers for the page as a whole.

    // Opens every link in a new tab. Gradio does so for links in text, but not for those in
    // drawings (SVG, mermaid) and image maps, which would replace the conversation.
    const openLinksInNewTabs = () =>
        document.addEventListener("click", (event) => {
            const link = event.target.closest(`${ELEMENTS.log} :is(a, area)`);
            link?.setAttribute("target", "_blank");
            link?.setAttribute("rel", "noopener noreferrer");
        }, true);

    // Gives the focus back to the text box, which lost it by being locked; not on a touch screen,
    // where that would open the keyboard. What has the focus in the chat has it by a key or a click
    // of the reader's, or else it may not keep it.
    const giveFocusBack = (box, log) => {
        let isMoved = false;
        const moved = ({ type, key }) => isMoved ||= type === "pointerdown" || key === "Tab";
        addEventListener("pointerdown", moved, true);
        addEventListener("keydown", moved, true);
        new MutationObserver(() => {
            const { activeElement, body } = document;
            const isLost = activeElement === body || (!isMoved && log?.contains(activeElement));
            const isFree = !box.disabled && isLost;
            if (isFree && matchMedia("(hover: hover)").matches) box.focus();
            isMoved &&= !box.disabled;
        }).observe(box, { attributeFilter: ["disabled"] });
    };

    // Milliseconds in which the browser must have begun to save a file.
    const DOWNLOAD_TIMEOUT = 60_000;

    globalThis.chat = {
        state,
        textOf,

        // Takes {idle, busy, wordJoiner}: the text box's properties when one can type and while an
        // answer runs, and the character after "<"; the character without which nothing is a
        // formula; and sentences for the visitor.
        start(given) {
            constants = given;
            state.storesNothing ||= chatStorage.replaceBlocked();
        },

        // Called when all components are there.
        watchPage() {
            const log = document.querySelector(ELEMENTS.log);
            const box = chatBox.find();
            if (log) chatScroll.follow(log, ELEMENTS.question);
            if (box) giveFocusBack(box, log);
            openLinksInNewTabs();
            chatText.watch(constants.aside);
            chatBox.watch(constants.noFiles);
            if (state.storesNothing) {
                document.querySelector(ELEMENTS.about)?.append(constants.storesNothing);
            }
        },

        // Ways to ask. Each returns the question and the text box.

        // A typed message. Half of a surrogate pair cannot be sent as UTF-8.
        ask(text, page, question) {
            text = text.replaceAll("\0", "").replace(/\p{Surrogate}/gu, "\ufffd");
            const isBlank = !text.trim();
            const isAgain = performance.now() - state.askedAt < DOUBLE_PRESS_INTERVAL;
            if (isOnItsWay(question) || (isBlank && isAgain)) return [SAME, SAME];
            if (isBlank) return [SAME, update({ value: "", placeholder: constants.noMessage })];
            state.askedAt = performance.now();
            state.isTurning = false;
            keepUnsent(text);
            const count = questionIndices(page).length;
            return [newQuestion(text, count), { ...constants.busy, value: "" }];
        },

        // The last question again.
        async retry(page, question) {
            const asked = questionIndices(page);
            const isKept = isOnItsWay(question) || !(await mayTakeBack(page, asked.at(-1)));
            if (isKept) return [SAME, SAME];
            return [newQuestion(typed(page[asked.at(-1)]), asked.length - 1), constants.busy];
        },

        // The question at an index of the page, in other words.
        async edit({ text, place }, page) {
            if (!(await mayTakeBack(page, place))) return [SAME, SAME];
            const count = questionIndices(page.slice(0, place)).length;
            return [newQuestion(text, count), constants.busy];
        },

        // The replies to all that the agent asks. The answer to the last question on the page goes
        // on with them.
        reply(page, question) {
            if (isOnItsWay(question)) return [SAME, SAME];
            const count = questionIndices(page).length - 1;
            const asked = { ...newQuestion("", count), replies: chatCards.replies() };
            state.shownQuestion = asked.number;
            chatBox.tell("");
            return [asked, constants.busy];
        },

        // Puts a question on the page, below `count` others; what follows those is removed. It
        // waits for the next task, so that the question is sent before it is drawn.
        async showQuestion(question, page) {
            if (!isOnItsWay(question)) return [SAME];
            state.shownQuestion = question.number;
            chatBox.tell("");
            chatCards.show([]);
            await new Promise((sent) => setTimeout(sent));
            chatBox.saveDraft(); // The box is empty now.
            const end = questionIndices(page)[question.count] ?? page.length;
            const content = { type: "text", text: showable(question.text) };
            state.page = [...page.slice(0, end), toMessage({ role: "user", content })];
            return [state.page];
        },

        // Answers.

        // Puts an answer below its question, in place of what stands there, unless another question
        // has been asked since, or another chat is on the page. So the server is not sent what is
        // on the page, and sends only what is new. While drawing pauses, a timer has this called
        // again. The outputs are the page, the visitor, the session and that timer.
        showAnswer(sent, question, page) {
            const nothing = [SAME, SAME, SAME, update({ active: false })];
            if (!sent || sent === state.shownAnswer) return nothing;
            if (performance.now() < state.redrawAt) {
                return [SAME, SAME, SAME, update({ active: true })];
            }
            const answer = parseAnswer(sent);
            const asked = questionIndices(page);
            if (answer.number !== question?.number) return nothing;
            if (asked.length !== question.count + 1) return nothing;
            state.shownAnswer = sent;
            pauseAfterDrawing();
            if (history.state?.unsent) keepUnsent("");
            const [visitor, session] = answer.where ?? [SAME, SAME];
            state.page = [...page.slice(0, asked.at(-1) + 1), ...answer.messages.map(toMessage)];
            return [state.page, visitor, session, update({ active: false })];
        },

        // Shows what the agent asks a person.
        showCards({ cards, note }) {
            chatCards.show(cards);
            if (note) chatBox.tell(note);
        },

        // Knows what the server has put on the page.
        keepPage(page) {
            state.page = page;
        },

        // Ends the pause: the end of an answer is shown at once.
        redrawNow() {
            state.redrawAt = 0;
        },

        // Unlocks the text box when the answer to this question, and not to another, is over.
        endAnswer(number, question) {
            return number === question?.number ? constants.idle : SAME;
        },

        // The text box.

        // A new value, by which the last question is taken back.
        async askUndo(page) {
            const isMeant = await mayTakeBack(page, questionIndices(page).at(-1));
            return [isMeant ? Math.random() : SAME];
        },

        // Moves the last question back into the text box.
        undo(page) {
            const last = questionIndices(page).at(-1);
            chatCards.show([]);
            if (last === undefined) return [page, constants.idle];
            state.page = page.slice(0, last);
            return [state.page, { ...constants.idle, value: typed(page[last]) }];
        },

        // The same for a question that could not be sent, and where its answer broke off. A chat
        // that is cleared while an answer runs is empty: it is unlocked when the server has cleared
        // it, too.
        giveBack(question, page) {
            if (page.length === 0) return [SAME, SAME];
            if (question.replies) {
                chatBox.tell(constants.notReplied);
                chatCards.unlock();
                return [SAME, constants.idle];
            }
            const isUnanswered = page.at(-1)?.role === "user";
            chatBox.tell(isUnanswered ? constants.notSent : constants.lineLost);
            if (!isUnanswered) return [page, constants.idle];
            state.page = page.slice(0, -1);
            return [state.page, { ...constants.idle, value: question.text }];
        },

        // What is typed; or, on a page that was reloaded, the message that the server did not get,
        // or what was being typed.
        unsent(text) {
            const unsent = history.state?.unsent ?? "";
            if (!text && unsent) chatBox.tell(constants.notSent);
            return text || unsent || chatBox.draft();
        },

        lock() {
            chatCards.show([]);
            return update({ interactive: false });
        },

        unlock() {
            return constants.idle;
        },

        // The sidebar, and what the browser keeps.

        // Another chat is about to be opened, which on a phone the sidebar covers. Returns its
        // inputs.
        leaveChat(...inputs) {
            chatBox.saveDraft();
            chatCards.show([]);
            state.isTurning = true;
            if (innerWidth < SIDEBAR_COVERS_BELOW) {
                document.querySelector(ELEMENTS.sidebarToggle)?.click();
            }
            return inputs;
        },

        // A new value, by which the open sidebar's list is updated; "" while the sidebar is closed,
        // so that the server is not asked for a list that nobody sees.
        listChanged() {
            return document.querySelector(ELEMENTS.openSidebar) ? String(Math.random()) : "";
        },

        // Keeps the id of the session on the page with this window's history entry, which is not
        // shown anywhere. Returns the text box, with what was typed in a chat that is opened.
        rememberSession(place) {
            const isAnother = place !== (history.state?.place ?? "");
            const { isTurning } = state;
            // A new chat has got its id, or the chat on the page has been deleted: the draft stays.
            if (isAnother && !isTurning) chatBox.saveDraft("");
            history.replaceState({ ...history.state, place }, "");
            if (isAnother && !isTurning) chatBox.saveDraft();
            state.isTurning = false;
            return isTurning ? update({ value: chatBox.draft(place) }) : SAME;
        },

        // Forgets what is kept of a visitor's words.
        forgetDrafts() {
            chatBox.forgetDrafts();
            history.replaceState({ ...history.state, unsent: "" }, "");
        },

        // What was kept so, for a page that is reloaded; else the chat that its address asks for.
        recallSession(visitor) {
            const wanted = new URLSearchParams(location.search).get("chat");
            return [visitor, history.state?.place || (wanted ?? "")];
        },

        // Returns its inputs, of which the last is replaced by the page's address as the browser
        // knows it, whatever proxies there are.
        pageUrl(...inputs) {
            const url = location.href.split(/[?#]/)[0].replace(/[/]?$/, "/");
            return [...inputs.slice(0, -1), url];
        },

        // Saves {name, text} as a file. So the server keeps no file, and no address at which others
        // could find one.
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
