// Questions and their answers, without a browser: node --test tests/page/static/chat.test.js
"use strict";

const assert = require("node:assert/strict");
const { beforeEach, describe, test } = require("node:test");
const {
    BUSY,
    IDLE,
    JOINER,
    PAGE,
    SAME,
    TIMER_OFF,
    TIMER_ON,
    TRY_AGAIN,
    answer,
    drawn,
    fake,
    message,
    model,
    openWindow,
    sent,
    user,
} = require("./fake_page.js");

beforeEach(openWindow);

describe("A question", () => {
    test("is what is typed, below those that are on the page", async () => {
        const [question, box] = await chat.ask("Three?", PAGE, null);
        assert.equal(question.text, "Three?");
        assert.equal(question.count, 2);
        assert.equal(typeof question.number, "number");
        assert.deepEqual(box, { ...BUSY, value: "" });
    });

    test("differs from the same words asked another time", async () => {
        const [first] = await chat.ask("Why?", [], null);
        chat.state.shownQuestion = first.number;
        const [second] = await chat.ask("Why?", [], first);
        assert.notEqual(first.number, second.number);
    });

    test("has no NUL and no half of a surrogate pair", async () => {
        const [question] = await chat.ask("a\0b \ud800 \udc00 🙂", [], null);
        assert.equal(question.text, "ab \ufffd \ufffd 🙂");
    });

    test("is not asked while another is on its way to the page", async () => {
        const [question] = await chat.ask("One?", [], null);
        assert.deepEqual(await chat.ask("Two?", [], question), [SAME, SAME]);
        assert.deepEqual(await chat.retry(PAGE, question), [SAME, SAME]);
    });

    test("of blanks alone is not asked: the text box says so", async () => {
        const [question, box] = await chat.ask(" \n\t", PAGE, null);
        assert.deepEqual(question, SAME);
        assert.deepEqual(box, { ...SAME, value: "", placeholder: "Please type." });
    });

    test("is not followed by that hint where a key was pressed twice", async () => {
        const [question] = await chat.ask("One?", [], null);
        chat.state.shownQuestion = question.number;
        fake.now += 499;
        assert.deepEqual(await chat.ask("", [], question), [SAME, SAME]);
        fake.now += 1;
        assert.equal((await chat.ask("", [], question))[1].placeholder, "Please type.");
    });

    test("is asked again below those before it", async () => {
        const [question, box] = await chat.retry(PAGE, null);
        assert.equal(question.text, "Two?");
        assert.equal(question.count, 1);
        assert.deepEqual(box, BUSY);
    });

    test("for the rest of the last answer is the one that this answer offers", () => {
        const options = [{ value: "Go on.", label: "Continue" }];
        const page = [user("One?"), { ...model("1"), options }];
        const [question, box] = chat.goOn("Go on.", page, null);
        assert.deepEqual([question.text, question.count, box], ["Go on.", 1, BUSY]);
        assert.deepEqual(chat.goOn("Go on.", page, question), [SAME, SAME], "pressed twice");
        const asked = [...page, user("Go on.")];
        assert.deepEqual(chat.goOn("Go on.", asked, null), [SAME, SAME], "asked since");
        assert.deepEqual(chat.goOn("Anything", page, null), [SAME, SAME], "not offered");
        assert.deepEqual(chat.goOn("Go on.", [], null), [SAME, SAME]);
    });

    test("is tried again below the answer that failed", async () => {
        const options = [{ value: TRY_AGAIN, label: "Try again" }];
        const page = [...PAGE, { ...model("It failed."), options }];
        const [question, box] = await chat.goOn(TRY_AGAIN, page, null);
        assert.deepEqual([question.text, question.count, box], ["Two?", 1, BUSY]);
    });

    test("is asked in other words at its place", async () => {
        assert.equal((await chat.edit({ text: "2?", place: 3, number: 1 }, PAGE))[0].count, 1);
        const edited = { text: "1?", place: 0, number: 2 };
        const [question, box] = await chat.edit(edited, PAGE);
        assert.deepEqual(await chat.edit(edited, PAGE), [SAME, SAME]); // Its files are reported, too.
        assert.equal(question.text, "1?");
        assert.equal(question.count, 0);
        assert.deepEqual(box, BUSY);
    });

    test("is kept in the browser until its answer begins", async () => {
        history.state = { place: "s1" };
        const [question] = await chat.ask("One?", [], null);
        await sent();
        assert.deepEqual(history.state, { place: "s1", unsent: "One?" });
        assert.equal(chatArrival.arrived("").value, "One?");
        assert.equal(chatArrival.arrived("Typed meanwhile").value, "Typed meanwhile");
        chat.showAnswer(answer(question, "1"), question, [user("One?")]);
        await sent();
        assert.deepEqual(history.state, { place: "s1", unsent: "" });
    });
});

describe("A question with files", () => {
    const CAT = "[![cat one.png](files/c4.png/cat%20one.png)](files/c4.png/cat%20one.png)";
    const LIST = "[list.csv](files/aa.txt/list.csv) (8 bytes)";
    const asked = message("user", "What?", `\u2063${CAT}\n\n${LIST}`);
    const ADDRESSES = ["files/c4.png/cat%20one.png", "files/aa.txt/list.csv"];

    test("is shown with them, and asked again with them", async () => {
        const question = { text: "What?", number: 7, count: 0, shown: `${CAT}\n\n${LIST}` };
        const [page] = await chat.showQuestion(question, []);
        assert.deepEqual(page, [asked]);
        const [again] = await chat.retry(page, null);
        assert.equal(again.text, "What?");
        assert.deepEqual(again.files, ADDRESSES);
        const [other] = await chat.edit({ text: "Who?", place: 0, number: 1 }, page);
        assert.deepEqual([other.text, other.files], ["Who?", ADDRESSES]);
    });

    test("is copied without them", () => {
        assert.equal(chatMessages.textOf(asked), "What?");
        assert.equal(
            chatMessages.textOf(message("assistant", "\u2063`x`\u2063")),
            "\u2063`x`\u2063",
        );
    });

    test("gives them back with its words, to be sent again", async () => {
        document.createElement = () => ({ append() {}, setAttribute() {}, addEventListener() {} });
        fake.elements["#files"] = { replaceChildren: (...items) => (fake.elements.items = items) };
        document.getElementById = (id) => fake.elements[`#${id}`] ?? null;
        chat.watchPage({});
        assert.equal(chat.undo([asked])[1].value, "What?");
        assert.equal(fake.elements.items.length, 2);
        const [again] = await chat.ask("", [], null);
        assert.deepEqual(again.files, ADDRESSES);
        assert.equal(again.shown, `${CAT}\n\n${LIST}`);
        assert.equal(fake.elements.items.length, 0);
    });
});

describe("The page", () => {
    test("shows a question below as many others as it says, and nothing after it", async () => {
        const [page] = await chat.showQuestion({ text: "2?", number: 7, count: 1 }, PAGE);
        assert.deepEqual(page, [...PAGE.slice(0, 3), user("2?")]);
    });

    test("shows a question at its end, if it has no more than those", async () => {
        const [page] = await chat.showQuestion({ text: "3?", number: 7, count: 2 }, PAGE);
        assert.deepEqual(page, [...PAGE, user("3?")]);
    });

    test("shows a question once", async () => {
        const question = { text: "3?", number: 7, count: 2 };
        await chat.showQuestion(question, PAGE);
        assert.deepEqual(await chat.showQuestion(question, PAGE), [SAME]);
        assert.deepEqual(await chat.showQuestion(null, PAGE), [SAME]);
    });

    test("shows tags as they were typed, and gives them back so", async () => {
        const typed = "Is <b>, </p> or <!-- a tag --> in Vec<T>, where 1<2 and 1 < 2?";
        const [page] = await chat.showQuestion({ text: typed, number: 7, count: 0 }, []);
        const [{ text }] = page[0].content;
        assert.equal(
            text,
            `Is <${JOINER}b>, <${JOINER}/p> or <${JOINER}!-- a tag --> in Vec<${JOINER}T>, where 1<2 and 1 < 2?`,
        );
        assert.equal((await chat.retry(page, null))[0].text, typed);
        const [marked] = await chat.showQuestion({ text: "$$\u2063x", number: 8, count: 0 }, []);
        assert.equal(marked[0].content[0].text, "$$x");
        assert.equal(chat.undo(page)[1].value, typed);
    });

    test("reads a question of several parts, one without a text, or of one text", async () => {
        const [first] = await chat.retry([message("user", "One", " or ", "two?")], null);
        assert.equal(first.text, "One or two?");
        const file = { role: "user", content: [{ type: "file", file: {} }, { text: "This?" }] };
        assert.equal((await chat.retry([file], null))[0].text, "This?");
        assert.equal(
            (await chat.retry([{ role: "user", content: "Bare?" }], null))[0].text,
            "Bare?",
        );
    });

    test("takes the last question back into the text box", () => {
        const [page, box] = chat.undo(PAGE);
        assert.deepEqual(page, PAGE.slice(0, 3));
        assert.deepEqual(box, { ...IDLE, value: "Two?" });
        assert.deepEqual(chat.undo([]), [[], IDLE]);
    });

    test("gives a question back that could not be sent", () => {
        const question = { text: "<b>?", number: 7, count: 2 };
        const [page, box] = chat.giveBack(question, [...PAGE, user(`<${JOINER}b>?`)]);
        assert.deepEqual(page, PAGE);
        assert.deepEqual(box, { ...IDLE, value: "<b>?" });
        assert.equal(fake.said.textContent, "Not sent.");
        assert.deepEqual(chat.giveBack(question, PAGE), [PAGE, IDLE]);
        assert.equal(fake.said.textContent, "Broken off.");
    });

    test("says no more that something was not sent when something is", async () => {
        fake.said.textContent = "Not sent.";
        await chat.showQuestion({ text: "3?", number: 7, count: 2 }, PAGE);
        assert.equal(fake.said.textContent, "");
    });

    test("asks the server again if a question came while it was told what to show", async () => {
        const ask = (number) => chat.showQuestion({ text: "3?", number, count: 0 }, []);
        chat.askForPage();
        assert.deepEqual(chat.keepPage(PAGE), SAME);
        chat.askForPage();
        await ask(1);
        assert.equal(typeof chat.keepPage([]), "number");
        chat.askForPage();
        assert.deepEqual(chat.keepPage(PAGE), SAME);
        // Another chat is on its way from the moment in which the visitor turns to it.
        chat.leaveChat();
        await ask(2);
        chat.askForPage();
        assert.equal(typeof chat.keepPage([]), "number");
        chat.askForPage();
        assert.deepEqual(chat.keepPage(PAGE), SAME);
    });

    test("asks the server once more that still knew nothing of the question", async () => {
        chat.askForPage();
        await chat.showQuestion({ text: "3?", number: 1, count: 2 }, PAGE);
        assert.equal(typeof chat.keepPage(PAGE), "number");
        chat.askForPage();
        assert.equal(typeof chat.keepPage(PAGE), "number");
        chat.askForPage();
        assert.deepEqual(chat.keepPage(PAGE), SAME); // It may have been refused.
        await chat.showQuestion({ text: "3?", number: 2, count: 2 }, PAGE);
        chat.leaveChat();
        chat.askForPage();
        assert.deepEqual(chat.keepPage([]), SAME);
    });

    test("is locked while its own chat is deleted, and not for another one", () => {
        globalThis.chatList = { deletesThis: () => true };
        assert.deepEqual(chat.lock(), { __type__: "update", interactive: false });
        assert.deepEqual(chat.keep(), IDLE);
        globalThis.chatList = { deletesThis: () => false };
        assert.deepEqual([chat.lock(), chat.keep()], [SAME, SAME]);
        assert.deepEqual(chat.unlock(), IDLE);
    });
});

describe("An answer", () => {
    const question = { text: "Two?", number: 7, count: 1 };

    test("takes the place of what stood below its question", () => {
        const [page, visitor, session, timer] = chat.showAnswer(
            answer(question, "Two\nlines."),
            question,
            PAGE,
        );
        assert.deepEqual(page, [...PAGE.slice(0, 4), model("Two\nlines.")]);
        assert.deepEqual([visitor, session, timer], [SAME, SAME, TIMER_OFF]);
    });

    test("may be several messages, of which the last one grows, or none", () => {
        const metadata = { title: "Thought" };
        const messages = [
            { role: "assistant", content: { type: "text", text: "Hm." }, metadata },
            { role: "assistant", content: { type: "text", text: "" } },
        ];
        const [page] = chat.showAnswer(answer(question, "2", { messages }), question, PAGE);
        assert.deepEqual(page.slice(4), [{ ...model("Hm."), metadata }, model("2")]);
        fake.now += 5000;
        const none = answer(question, "", { messages: [] });
        assert.deepEqual(chat.showAnswer(none, question, PAGE)[0], PAGE.slice(0, 4));
    });

    test("may have something below its words, which do not grow any more", () => {
        const below = { role: "assistant", content: { type: "text", text: "2 s" } };
        const sent = answer(question, "2\n3") + "\0" + JSON.stringify([below]);
        const [page] = chat.showAnswer(sent, question, PAGE);
        assert.deepEqual(page.slice(4), [model("2\n3"), model("2 s")]);
    });

    test("says whose page it is, and which session is on it", () => {
        const told = answer(question, "2", { where: ["ann", "s1"] });
        assert.deepEqual(chat.showAnswer(told, question, PAGE).slice(1, 3), ["ann", "s1"]);
    });

    const NOTHING = [SAME, SAME, SAME, TIMER_OFF];

    test("is not shown twice, and nothing is shown where none has come", () => {
        chat.showAnswer(answer(question, "2"), question, PAGE);
        fake.now += 5000;
        assert.deepEqual(chat.showAnswer(answer(question, "2"), question, PAGE), NOTHING);
        assert.deepEqual(chat.showAnswer("", question, PAGE), NOTHING);
        assert.deepEqual(chat.showAnswer(null, question, PAGE), NOTHING);
    });

    test("is not shown when something else has been asked, or another chat is there", () => {
        const other = { ...question, number: 8 };
        assert.deepEqual(chat.showAnswer(answer(question, "2"), other, PAGE), NOTHING);
        assert.deepEqual(chat.showAnswer(answer(question, "2"), null, PAGE), NOTHING);
        assert.deepEqual(chat.showAnswer(answer(question, "2"), question, []), NOTHING);
        assert.deepEqual(chat.showAnswer(answer(question, "2"), question, PAGE)[0].length, 5);
    });

    const PAUSE = [SAME, SAME, SAME, TIMER_ON];
    const isShown = (text) =>
        Array.isArray(chat.showAnswer(answer(question, text), question, PAGE)[0]);

    test("is drawn again at once, if that takes no time", async () => {
        assert.ok(isShown("a"));
        await drawn(25);
        assert.ok(isShown("ab"));
    });

    test("is not drawn again for about as long as it took to draw", async () => {
        assert.ok(isShown("a"));
        await drawn(325);
        fake.now += 299;
        assert.deepEqual(chat.showAnswer(answer(question, "ab"), question, PAGE), PAUSE);
        fake.now += 1;
        assert.ok(isShown("ab"));
    });

    test("is drawn once a second on a page that nobody looks at", () => {
        assert.ok(isShown("a"));
        fake.now += 999;
        assert.ok(!isShown("ab"));
        fake.now += 1;
        assert.ok(isShown("ab"));
    });

    test("is drawn at once when it is over", () => {
        assert.ok(isShown("a"));
        assert.ok(!isShown("ab"));
        chat.redrawNow();
        assert.ok(isShown("ab"));
    });

    test("has one type again when it is over, and no other", () => {
        const over = { number: 7, isOld: false, isWaiting: true, cards: { cards: [], note: "" } };
        const nothing = [SAME, SAME, SAME];
        chat.keepPage(PAGE);
        assert.deepEqual(chat.endAnswer(over, question), [IDLE, SAME, TIMER_ON]);
        assert.deepEqual(chat.endAnswer(null, question), nothing);
        assert.deepEqual(chat.endAnswer(over, { ...question, number: 8 }), nothing);
        assert.deepEqual(chat.endAnswer(over, null), nothing);
        const [, isOld] = chat.endAnswer({ ...over, isOld: true }, question);
        assert.equal(typeof isOld, "number");
    });

    test("is asked for when it is over, if its question is not on the page", () => {
        const over = { number: 7, isOld: false, isWaiting: false, cards: { cards: [], note: "" } };
        chat.keepPage(PAGE.slice(0, 3));
        const [box, isOld] = chat.endAnswer(over, question);
        assert.deepEqual(box, IDLE);
        assert.equal(typeof isOld, "number");
    });

    test("gives the files of a message back that is not answered", () => {
        const over = { number: 7, isOld: true, isWaiting: false, cards: { cards: [], note: "" } };
        const restored = [];
        globalThis.chatFiles.restore = (shown) => restored.push(shown);
        chat.endAnswer(over, question);
        chat.endAnswer({ ...over, isGivenBack: true }, { ...question, shown: "a file" });
        assert.deepEqual(restored, ["a file"]);
    });
});
