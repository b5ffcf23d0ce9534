// What a window and its storage keep, without a browser: node --test tests/page/static/window.test.js
"use strict";

const assert = require("node:assert/strict");
const { beforeEach, describe, test } = require("node:test");
const { BUSY, IDLE, PAGE, SAME, answer, fake, openPage, openWindow, typed } = require(
    "./fake_page.js",
);

beforeEach(openWindow);

describe("The browser", () => {
    test("remembers the session of each window, and what else it keeps", () => {
        history.state = { unsent: "One?" };
        assert.deepEqual(chatArrival.recall("ann", "", "last"), ["ann", "", "last"]);
        assert.deepEqual(chat.rememberSession("s1"), SAME);
        assert.deepEqual(history.state, { unsent: "One?", place: "s1" });
        assert.deepEqual(chatArrival.recall("ann", "", "last"), ["ann", "s1", "last"]);
    });

    test("keeps what is typed with its chat", () => {
        const box = typed("Half a questi");
        history.state = { place: "s1" };
        chat.leaveChat();
        assert.equal(chat.rememberSession("s2").value, "");
        box.value = "Another";
        chat.leaveChat();
        assert.equal(chat.rememberSession("s1").value, "Half a questi");
        box.value = "";
        chat.leaveChat();
        assert.equal(chat.rememberSession("s2").value, "Another");
        assert.deepEqual(JSON.parse(fake.stored["chat drafts"]), { s2: "Another" });
    });

    test("moves what is typed to a new chat's id, and lets it be where a chat is deleted", () => {
        typed("Meanwhile");
        chatBox.saveDraft();
        chat.rememberSession("s1");
        assert.deepEqual(JSON.parse(fake.stored["chat drafts"]), { s1: "Meanwhile" });
        assert.deepEqual(chat.rememberSession(""), SAME);
        assert.deepEqual(JSON.parse(fake.stored["chat drafts"]), { "": "Meanwhile" });
        chat.forgetDrafts();
        assert.equal(chatBox.draft(), "");
        assert.equal(history.state.unsent, "");
    });

    test("keeps what is typed over a reload, and tells that a message was not sent", () => {
        chat.watchPage({});
        fake.listeners.input({ target: typed("Half a questi") });
        assert.equal(chatArrival.arrived("").value, "Half a questi");
        assert.equal(fake.said.textContent, "");
        history.state = { ...history.state, unsent: "One?" };
        assert.equal(chatArrival.arrived("").value, "One?");
        assert.equal(fake.said.textContent, "Not sent.");
    });

    test("lets what is typed be when an answer gives a new chat its session", async () => {
        typed("Meanwhile");
        chat.leaveChat();
        await chat.ask("One?", [], null);
        assert.deepEqual(chat.rememberSession("s1"), SAME);
    });

    test("opens no file that is dropped, and says so; text may be dropped into the box", () => {
        chat.watchPage({});
        const dropped = (type, types, inBox = false) => {
            let isPrevented = false;
            fake.listeners[type]({
                type,
                target: { closest: () => inBox || null },
                dataTransfer: { types },
                preventDefault: () => (isPrevented = true),
            });
            return isPrevented;
        };
        assert.ok(dropped("dragover", ["Files"], true));
        assert.ok(dropped("drop", ["text/uri-list"]));
        assert.ok(!dropped("drop", ["text/plain"], true));
        assert.equal(fake.said.textContent, "");
        assert.ok(dropped("drop", ["Files"], true));
        assert.equal(fake.said.textContent, "No files.");
    });

    test("says that a pasted file is not sent, but for the picture of a text", () => {
        chat.watchPage({});
        const paste = (types, text) =>
            fake.listeners.paste({ clipboardData: { types, getData: () => text } });
        paste(["text/plain", "Files"], "a cell");
        assert.equal(fake.said.textContent, "");
        paste(["Files"], "");
        assert.equal(fake.said.textContent, "No files.");
    });

    test("knows the page's address", () => {
        assert.equal(chat.pageUrl(), "http://localhost/here/");
        globalThis.location = new URL("https://proxy.test/app/");
        assert.equal(chat.pageUrl(), "https://proxy.test/app/");
    });

    test("uncovers the chat when another is opened", () => {
        assert.deepEqual(chat.leaveChat("ann", "s1"), ["ann", "s1"]);
        assert.equal(globalThis.chatAccess.uncover.mock.callCount(), 1);
    });

    test("saves nothing where nothing was sent", () => {
        assert.equal(chat.saveFile(null), null);
    });
});

describe("Storage", () => {
    // As in a frame that may store nothing.
    function block() {
        const get = () => {
            throw new Error("Access is denied for this document.");
        };
        Object.defineProperty(globalThis, "localStorage", { get, configurable: true });
        openPage();
    }

    test("that is blocked is kept with the history entry, beside what is there", () => {
        history.state = { place: "here" };
        block();
        localStorage.setItem("visitor", 7);
        assert.equal(localStorage.getItem("visitor"), "7");
        assert.equal(localStorage.getItem("nobody"), null);
        assert.deepEqual([localStorage.length, localStorage.key(0)], [1, "visitor"]);
        chat.rememberSession("there");
        assert.deepEqual(history.state, { place: "there", localStorage: { visitor: "7" } });
    });

    test("that is blocked is found again when the page is loaded anew", () => {
        history.state = { localStorage: { visitor: "7", other: "8" } };
        block();
        assert.equal(localStorage.getItem("visitor"), "7");
        localStorage.removeItem("other");
        assert.deepEqual(history.state.localStorage, { visitor: "7" });
        localStorage.clear();
        assert.equal(localStorage.getItem("visitor"), null);
    });

    test("that works is left alone", () => {
        const works = { getItem: () => "stored" };
        Object.defineProperty(globalThis, "localStorage", { value: works, configurable: true });
        openPage();
        assert.equal(localStorage, works);
    });
});

describe("Gradio's page", () => {
    test("may be without the elements that are looked for", () => {
        globalThis.innerWidth = 390;
        chat.watchPage({});
        assert.deepEqual(chat.leaveChat("ann"), ["ann"]);
        const [onClick] = fake.clicked;
        onClick({ target: { closest: () => null } });
    });

    test("has links of the chat opened in a tab of their own", () => {
        const link = { setAttribute: (name, value) => (link[name] = value) };
        chat.watchPage({});
        fake.clicked[0]({ target: { closest: () => link } });
        assert.equal(link.target, "_blank");
        assert.equal(link.rel, "noopener noreferrer");
    });

    test("may run the file again: what is on the page is known", () => {
        chat.state.shownQuestion = 7;
        const { state } = chat;
        openPage();
        assert.notEqual(chat.state, state);
        assert.equal(chat.state.shownQuestion, 7);
    });
});

describe("What the agent asks", () => {
    test("is answered below the last question, which stays", () => {
        const [question, box] = chat.reply(PAGE, null);
        assert.deepEqual([question.text, question.count, question.replies], ["", 1, {}]);
        assert.equal(box, BUSY);
        chat.showAnswer(answer(question, "Paid."), question, PAGE);
        assert.deepEqual(chat.state.page.slice(0, 4), PAGE.slice(0, 4));
        assert.equal(chat.state.page.length, 5);
    });

    test("can be answered again where the answer could not be sent", () => {
        const [question] = chat.reply(PAGE, null);
        fake.elements["#message"] = { after() {}, parentElement: {} };
        assert.deepEqual(chat.giveBack({ ...question, replies: {} }, PAGE), [SAME, IDLE]);
        assert.equal(fake.said.textContent, "Not replied.");
    });
});
