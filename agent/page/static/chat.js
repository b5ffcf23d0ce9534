// What the chat page does in the browser: one object, `chat`.
//
// agent/page/browser.py puts this file into the head of the page, after the other scripts, where it
// runs before Gradio makes any component; start.js hands the constants to `chat.start`. A listener's `js=`
// in Python names one of the methods, which gets the values of the listener's inputs and returns
// those of its outputs.
//
// The words of this file:
//   page      what the Chatbot shows: an array of messages, each by the visitor ("user") or not
//   question  what the visitor asks: {text, number, count, files, shown}. Its number tells it from
//             the same words another time; `count` is how many questions stand above it on the
//             page; `shown` is how the page shows its files.
//   reply     in place of a text: what a person answers to an agent that waits (cards.js).
//   answer    what the server sends: JSON on the first line, below it the text of its last message,
//             which grows, and what stands beside or below that (agent/page/protocol.py).
(() => {
    "use strict";

    // What this file knows of Gradio 6.31's front end stands here and in messages.js. None of it is
    // documented.

    const { questionIndices, showable, typed, filesOf, toMessage } = globalThis.chatMessages;

    // Elements of the page. Each may be missing; then the page does without one thing:
    const ELEMENTS = {
        // The newest words are not kept in view.
        log: "#conversation [role=log]",
        // The newest words are not kept in view.
        question: "[data-testid=user]",
        // It is not said that the browser stores nothing.
        about: ".about",
    };

    // What a method returns for a component to change some of its properties, or none, as
    // gr.update() and gr.skip() do in Python. This form has no substitute: if Gradio changes it,
    // tests/page fails at once.
    const update = (properties) => ({ __type__: "update", ...properties });
    const SAME = update({});

    // What the page remembers while it is open. Times are milliseconds of performance.now().
    const state = {
        shownQuestion: null, // The number of the question that was put on the page last.
        shownAnswer: null, // The answer that was put there last, as it was sent.
        askedAt: -Infinity, // When a typed message was sent.
        redrawAt: 0, // No answer is drawn before this time.
        page: [], // What this file has put on the page last, or `keepPage` has found there.
        isHeld: false, // Whether a message waits for its files.
        edited: null, // The number of the latest edit.
        changes: 0, // How often a question was put on the page, or taken off it;
        changesBefore: 0, // and how often before the server was asked last what is to be shown,
        isLeft: false, // or before the visitor turned to another chat, for which it will be asked.
        expected: 0, // How many questions the page has to show since the last was put there; 0 for any.
        isTurning: false, // Whether another chat is on its way to the page,
        isArriving: false, // or the first one of a page that has been opened.
        hasArrived: false, // Whether the server has said which that is.
        storesNothing: false, // Whether the browser lets this page store anything.
        ...globalThis.chat?.state, // Gradio's reload mode runs this file again on an open page.
    };

    // What `start` is given.
    let constants = {};

    // Helpers for questions.

    // Milliseconds within which a second Enter is taken for the same press.
    const DOUBLE_PRESS_INTERVAL = 500;

    const newQuestion = (text, count, shown = "") => (
        { text, number: Math.random(), count, files: chatFiles.addresses(shown), shown }
    );

    // Whether it has been asked, but is not on the page yet.
    const isOnItsWay = (question) => (
        question !== null && question.number !== state.shownQuestion
    );

    // The browser keeps a message until the server has it, because Gradio reloads the page when the
    // connection fails. To keep it takes a millisecond, so the message is sent first.
    const keepUnsent = (unsent) => {
        setTimeout(() => history.replaceState({ ...history.state, unsent }, ""));
    };

    const mayTakeBack = (page, index) => chatCards.mayTakeBack(page.slice(index), constants);

    // Milliseconds that a drawing may take without a pause after it.
    const FREE_DRAWING_TIME = 25;

    // Milliseconds between two updates of a hidden tab, where nothing is drawn.
    const HIDDEN_INTERVAL = 1000;

    const parseAnswer = (sent) => {
        const [said, beside] = sent.split("\0");
        const [line, ...text] = said.split("\n");
        const answer = JSON.parse(line);
        if (answer.messages.length) answer.messages.at(-1).content.text = text.join("\n");
        if (beside) answer.messages.push(...JSON.parse(beside));
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

    globalThis.chat = {
        state,

        // Takes the constants: those of `constants` in agent/page/browser.py, which says what they are.
        start(given) {
            constants = given;
            chatMessages.start(given);
            chatArrival.start(given);
            chatAgents.start(given.outside);
            state.storesNothing ||= chatStorage.replaceBlocked();
        },

        // Called when all components are there, with what the page knows from the start. Returns the
        // text box: a visitor whom nobody can know yet may type at once.
        watchPage({ files, longest, knowsPeople }, visitor) {
            const [log, box] = [document.querySelector(ELEMENTS.log), chatBox.find()];
            if (log) {
                chatScroll.follow(log, ELEMENTS.question);
                chatTimes.watch(log);
                chatFeedback.begin(log, constants);
            }
            if (box) chatBox.keepFocus(box, log);
            chatVoice.watch(log, box);
            chatAccess.watch(log, box, constants.spoken);
            chatText.watch(constants.ofText);
            chatCopying.watch(constants.beside);
            chatBox.watch(chatFiles.take, longest);
            chatFiles.watch({ ...constants.files, ...files });
            if (state.storesNothing) {
                document.querySelector(ELEMENTS.about)?.append(constants.storesNothing);
            }
            return chatArrival.firstBox(visitor, knowsPeople);
        },

        // Ways to ask. Each returns the question and the text box.

        // A typed message, as soon as its files are there. Half of a surrogate pair cannot be sent as
        // UTF-8.
        async ask(text, page, question) {
            text = text.replaceAll("\0", "").replace(/\p{Surrogate}/gu, "\ufffd");
            const isBlank = !text.trim() && !chatFiles.any;
            const isAgain = performance.now() - state.askedAt < DOUBLE_PRESS_INTERVAL;
            if (state.isHeld || isOnItsWay(question) || (isBlank && isAgain)) return [SAME, SAME];
            if (isBlank) return [SAME, update({ value: "", placeholder: constants.noMessage })];
            if (chatBox.isTooLong(text)) return [SAME, SAME];
            state.isHeld = true;
            const isWhole = await chatFiles.arrived();
            state.isHeld = false;
            if (!isWhole) return [SAME, SAME];
            state.askedAt = performance.now();
            state.isTurning = state.isArriving = false;
            keepUnsent(text);
            const asked = newQuestion(text, questionIndices(page).length, chatFiles.takeLines());
            return [asked, { ...constants.busy, value: "" }];
        },

        // The last question again. Where there is none, a chat could not be shown.
        async retry(page, question) {
            const asked = questionIndices(page);
            if (!asked.length) location.reload();
            const mayAsk = asked.length && !isOnItsWay(question);
            if (!mayAsk || !(await mayTakeBack(page, asked.at(-1)))) return [SAME, SAME];
            const last = page[asked.at(-1)];
            return [newQuestion(typed(last), asked.length - 1, filesOf(last)), constants.busy];
        },

        // What a button below the last answer offers: another try, or the rest, by a message.
        goOn(chosen, page, question) {
            const isOffered = page.at(-1)?.options?.some(({ value }) => value === chosen);
            if (isOnItsWay(question) || !isOffered) return [SAME, SAME];
            if (chosen === constants.tryAgain) return globalThis.chat.retry(page, question);
            return [newQuestion(chosen, questionIndices(page).length), constants.busy];
        },

        // The question at an index of the page, in other words. Its files are reported as an edit of
        // their own, which has no new number.
        async edit(edited, page) {
            if (!edited || edited.number === state.edited) return [SAME, SAME];
            state.edited = edited.number;
            const { text, place } = edited;
            if (!(await mayTakeBack(page, place))) return [SAME, SAME];
            const count = questionIndices(page.slice(0, place)).length;
            return [newQuestion(text, count, filesOf(page[place])), constants.busy];
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
            state.changes += 1;
            chatVoice.hush();
            chatBox.tell("");
            chatCards.show([]);
            chatFeedback.cut(question.count);
            await new Promise((sent) => setTimeout(sent));
            chatBox.saveDraft(); // The box is empty now.
            chatTimes.asked(question.count);
            const end = questionIndices(page)[question.count] ?? page.length;
            const texts = [showable(question.text)];
            if (question.shown) texts.push(constants.mark + question.shown);
            const content = texts.map((text) => ({ type: "text", text }));
            state.page = [...page.slice(0, end), toMessage({ role: "user", content })];
            state.expected = question.count + 1;
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
            // Who has signed in is not told: the browser keeps who it was before.
            const [visitor, session] = answer.where ?? [null, SAME];
            state.page = [...page.slice(0, asked.at(-1) + 1), ...answer.messages.map(toMessage)];
            return [state.page, visitor ?? SAME, session, update({ active: false })];
        },

        showCards({ cards, note }) {
            chatCards.show(cards);
            if (note) chatBox.tell(note);
        },

        // The server is asked what is to be shown. Returns its inputs.
        askForPage(...inputs) {
            if (!state.isLeft) state.changesBefore = state.changes;
            state.isLeft = false;
            return inputs;
        },

        // Knows what the server has put on the page. If a question was put there or taken off
        // meanwhile, that may be gone: the server is asked again, by a new value; and once more where
        // it still knew nothing of the question.
        keepPage(page) {
            state.page = page;
            chatTimes.look();
            if (state.changes !== state.changesBefore) return Math.random();
            const isThere = questionIndices(page).length >= state.expected;
            state.expected = 0;
            return isThere ? SAME : Math.random();
        },

        // Ends the pause: the end of an answer is shown at once.
        redrawNow() {
            state.redrawAt = 0;
        },

        // The outputs are the text box, what is new if the page is old, and the results' timer.
        endAnswer(over, question) {
            if (!over || over.number !== question?.number) return [SAME, SAME, SAME];
            globalThis.chat.showCards(over.cards);
            chatTimes.answered(question.count);
            chatFeedback.add(question.count, over.turn);
            if (over.isGivenBack) chatFiles.restore(question.shown ?? "");
            // When the server has shown the chat again, it may have known nothing of the question yet.
            const isThere = questionIndices(state.page).length > question.count;
            const isOld = over.isOld || !isThere ? Math.random() : SAME;
            return [constants.idle, isOld, update({ active: over.isWaiting })];
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
            chatFiles.restore(filesOf(page[last]));
            state.changes += 1;
            state.expected = 0;
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
            state.changes += 1;
            state.expected = 0;
            state.page = page.slice(0, -1);
            chatFiles.restore(question.shown ?? "");
            return [state.page, { ...constants.idle, value: question.text }];
        },

        // A chat is about to be deleted: if it is the one on the page, nothing is asked in it any
        // more; if that fails, one can type again.
        lock() {
            if (!chatList.deletesThis()) return SAME;
            chatBox.tell("");
            chatCards.show([]);
            return update({ interactive: false });
        },

        keep: () => chatList.deletesThis() ? constants.idle : SAME,

        unlock() {
            return constants.idle;
        },

        // The sidebar, and what the browser keeps.

        // Another chat is about to be opened, which on a phone the sidebar covers. What is said
        // below the box was said of this one. Returns its inputs.
        leaveChat(...inputs) {
            chatVoice.hush();
            chatBox.tell("");
            chatBox.saveDraft();
            chatFeedback.close();
            chatCards.show([]);
            state.expected = 0;
            state.isTurning = state.isLeft = true;
            state.changesBefore = state.changes;
            chatAccess.uncover();
            return inputs;
        },

        // Keeps the id of the session on the page with this window's history entry, which is not
        // shown anywhere. Returns the text box, with what was typed in a chat that is opened.
        rememberSession(place) {
            const { isTurning, isArriving } = state;
            const isAnother = place !== (history.state?.place ?? "") && !isArriving;
            // A new chat has got its id, or the chat on the page has been deleted: the draft stays.
            if (isAnother && !isTurning) chatBox.saveDraft("");
            history.replaceState({ ...history.state, place }, "");
            if (isAnother && !isTurning) chatBox.saveDraft();
            state.isTurning = state.isArriving = false;
            chatFiles.draw();
            return isTurning ? update({ value: chatBox.draft(place) }) : SAME;
        },

        // Forgets what is kept of a visitor's words, and what was said of them.
        forgetDrafts() {
            chatBox.forgetDrafts();
            chatBox.tell("");
            history.replaceState({ ...history.state, unsent: "" }, "");
        },

        // The page's address as the browser knows it, whatever proxies there are.
        pageUrl: () => location.href.split(/[?#]/)[0].replace(/[/]?$/, "/"),

        saveFile: (file) => chatFiles.save(file),
    };
})();
