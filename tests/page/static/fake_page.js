// A page without a browser, in which the scripts of agent/page/static run.
"use strict";

const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { mock } = require("node:test");
const { runInThisContext } = require("node:vm");

const STATIC = join(__dirname, "../../../agent/page/static");
const FILES =
    "words frames storage messages agents text copying times box dialog scroll cards feedback files" +
    " voice arrival chat";
const SOURCE = FILES.split(" ")
    .map((name) => readFileSync(join(STATIC, `${name}.js`), "utf8")).join("");

const SAME = { __type__: "update" };
const IDLE = { __type__: "update", interactive: true };
const BUSY = { __type__: "update", interactive: false };
const JOINER = "\u2060";
const TRY_AGAIN = "Try again.";
const CONSTANTS = {
    idle: IDLE,
    busy: BUSY,
    noMessage: "Please type.",
    notSent: "Not sent.",
    notReplied: "Not replied.",
    staysDone: "stays-done",
    tryAgain: TRY_AGAIN,
    lineLost: "Broken off.",
    files: { noFiles: "No files.", removeFile: "Remove {name}" },
    wordJoiner: JOINER,
    mark: "\u2063",
};
const TIMER_ON = { __type__: "update", active: true };
const TIMER_OFF = { __type__: "update", active: false };

// What the scripts find, and leave behind, on the page.
const fake = {};

const typed = (text) => (fake.elements["#message textarea"] = { value: text });

// The file as a new page has it.
function openPage() {
    runInThisContext(SOURCE);
    globalThis.chat.start(CONSTANTS);
}

const sent = () => new Promise((resolve) => setTimeout(resolve));

// Has drawn what was put on the page, in so many milliseconds.
async function drawn(cost) {
    const begun = fake.now;
    fake.now += cost;
    fake.frames.splice(0).forEach((draw) => draw(begun));
    await sent();
}

// Messages as the Chatbot hands them over.
const message = (role, ...texts) => ({
    role,
    content: texts.map((text) => ({ type: "text", text })),
    metadata: null,
    options: null,
});
const user = (text) => message("user", text);
const model = (text) => message("assistant", text);
const PAGE = [user("One?"), model("1"), model("One."), user("Two?"), model("Two.")];

// An answer as the server sends it.
function answer(question, text, about = {}) {
    const messages = [{ role: "assistant", content: { type: "text", text: "" } }];
    return JSON.stringify({ messages, number: question.number, ...about }) + "\n" + text;
}

// A new page in a new window.
function openWindow() {
    Object.assign(fake, { now: 1000, frames: [], elements: {}, clicked: [], listeners: {} });
    Object.assign(fake, { said: { textContent: "" }, stored: {} });
    // It is tried in a browser (tests/page/test_accessibility.py).
    globalThis.chatAccess = { watch() {}, uncover: mock.fn() };
    Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
    mock.method(performance, "now", () => fake.now);
    delete globalThis.chat;
    Object.assign(globalThis, {
        document: {
            querySelector: (selector) => fake.elements[selector] ?? null,
            getElementById: (id) => id === "said" ? fake.said : null,
            addEventListener: (kind, listener) => kind === "click" && fake.clicked.push(listener),
        },
        addEventListener: (kind, listener) => (fake.listeners[kind] = listener),
        Element: class {},
        history: {
            state: null,
            replaceState(state, _, url) {
                this.state = state;
                if (url) globalThis.location = url;
            },
        },
        innerWidth: 1000,
        sessionStorage: {
            getItem: (key) => fake.stored[key] ?? null,
            setItem: (key, value) => (fake.stored[key] = value),
            removeItem: (key) => delete fake.stored[key],
        },
        location: new URL("http://localhost/here?theme=dark#end"),
        requestAnimationFrame: (draw) => fake.frames.push(draw),
    });
    openPage();
}

module.exports = {
    ...{ BUSY, IDLE, JOINER, PAGE, SAME, TIMER_OFF, TIMER_ON, TRY_AGAIN },
    ...{ answer, drawn, fake, message, model, openPage, openWindow, sent, typed, user },
};
