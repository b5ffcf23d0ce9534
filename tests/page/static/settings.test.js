// agent/page/static/settings.js without a browser: node --test this file
"use strict";

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { describe, test } = require("node:test");
const { runInThisContext } = require("node:vm");

const STATIC = join(__dirname, "../../../agent/page/static");
const SOURCE = ["words", "settings"]
    .map((name) => readFileSync(join(STATIC, `${name}.js`), "utf8")).join("");

const question = { text: "Hi", number: 1, count: 0 };

// A page whose window has kept this, or whose storage fails.
const opened = (kept) => {
    const getItem = () => {
        if (kept instanceof Error) throw kept;
        return kept;
    };
    Object.defineProperty(globalThis, "sessionStorage", {
        value: { getItem },
        configurable: true,
    });
    runInThisContext(SOURCE);
    return globalThis.chatSettings;
};

describe("a question", () => {
    test("says nothing of settings until the visitor has chosen some", () => {
        const inputs = opened(null).withChoices(question, "page", "visitor");
        assert.deepEqual(inputs, [question, "page", "visitor"]);
        assert.deepEqual(opened(null).withChoices(null, "page"), [null, "page"]);
    });

    test("goes with what this window has kept", () => {
        const [asked, page] = opened('{"temperature": 0.5}').withChoices(question, "page");
        assert.deepEqual(asked, { ...question, options: { temperature: 0.5 } });
        assert.equal(page, "page");
    });

    for (const kept of ["", "null", "7", "{", new Error("blocked")]) {
        test(`is asked though ${kept} is kept`, () => {
            assert.deepEqual(opened(kept).withChoices(question), [question]);
        });
    }
});
