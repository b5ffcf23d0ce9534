// What a page's address asks for, without a browser: node --test tests/page/static/agents.test.js
"use strict";

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { beforeEach, describe, test } = require("node:test");
const { runInThisContext } = require("node:vm");

const STATIC = join(__dirname, "../../../agent/page/static");
const SOURCE = ["words", "messages", "agents", "box", "arrival", "chat"]
    .map((name) => readFileSync(join(STATIC, `${name}.js`), "utf8")).join("");

const SAME = { __type__: "update" };

let box, stored;

// A page at this address, as a new one has it.
function openPage(address) {
    delete globalThis.chat;
    globalThis.location = new URL(address);
    runInThisContext(SOURCE);
}

beforeEach(() => {
    stored = {};
    box = { value: "" };
    Object.assign(globalThis, {
        chatFiles: { draw() {}, knowVisitor() {} },
        document: {
            title: "",
            querySelector: (name) => name === "h1" ? { innerText: "Weather" } : box,
            querySelectorAll: () => [],
        },
        history: {
            state: null,
            replaceState(state, _, url) {
                this.state = state;
                if (url) globalThis.location = url;
            },
        },
        sessionStorage: {
            getItem: (key) => stored[key] ?? null,
            setItem: (key, value) => (stored[key] = value),
        },
    });
    openPage("http://localhost/here?theme=dark#end");
});

describe("The address", () => {
    test("names a chat, which is opened where the window remembers none", () => {
        openPage("http://localhost/?chat=new");
        assert.deepEqual(chatArrival.recall("ann", "", ""), ["ann", "new", ""]);
        chat.rememberSession("s1");
        assert.deepEqual(chatArrival.recall("ann", "", ""), ["ann", "s1", ""]);
    });

    test("names the agent; without it the browser's last one is asked for", () => {
        assert.deepEqual(chatArrival.recall("ann", "", "last"), ["ann", "", "last"]);
        history.state = { place: "s1" };
        chatAgents.remember("weather");
        assert.equal(document.title, "Weather");
        assert.equal(location.href, "http://localhost/here?theme=dark&agent=weather#end");
        assert.deepEqual(chatArrival.recall("ann", "", "last"), ["ann", "s1", "weather"]);
    });

    test("is another where another agent is chosen, without the chat of the one before", () => {
        const gone = [];
        const href = "http://localhost/?chat=new&agent=billing&theme=dark";
        globalThis.location = { href, assign: (url) => gone.push(url.href) };
        chatAgents.choose("weather");
        assert.deepEqual(gone, ["http://localhost/?agent=weather&theme=dark"]);
    });
});

describe("The address of the page around a Space", () => {
    test("says which agent it is, and nothing that was not there before", () => {
        const told = [];
        globalThis.parent = { postMessage: (...message) => told.push(message) };
        openPage("https://x.hf.space/?__sign=token&theme=dark");
        chatAgents.remember("weather");
        assert.deepEqual(told, [], "not on a Space");
        chatAgents.start("https://huggingface.co");
        chatAgents.remember("weather");
        const queryString = "theme=dark&agent=weather";
        assert.deepEqual(told, [[{ queryString }, "https://huggingface.co"]]);
        globalThis.parent = globalThis;
        chatAgents.remember("weather");
        assert.equal(told.length, 1, "not in a frame");
    });
});

describe("What is typed", () => {
    test("is kept in a new chat with the agent for which it is", () => {
        openPage("http://localhost/?agent=billing");
        box.value = "For billing";
        chatBox.saveDraft();
        openPage("http://localhost/?agent=weather");
        assert.equal(chatArrival.arrived("", "ann", "").value, "");
        openPage("http://localhost/?agent=billing");
        assert.equal(chatArrival.arrived("", "ann", "").value, "For billing");
    });

    test("is there again when a page is opened with its chat, in whichever order it hears", () => {
        history.state = { place: "s1" };
        box.value = "Half a questi";
        chatBox.saveDraft();
        for (const isFirst of [true, false]) {
            history.state = null;
            box.value = "";
            chatArrival.recall("ann", "", "");
            if (isFirst) assert.equal(chatArrival.arrived("", "ann", "s1").value, "Half a questi");
            assert.deepEqual(chat.rememberSession("s1"), SAME);
            if (!isFirst) assert.equal(chatArrival.arrived("", "ann", "s1").value, "Half a questi");
        }
    });
});
