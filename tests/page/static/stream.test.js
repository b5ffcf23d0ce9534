// agent/page/static/later/plot.js and stream.js without a browser: node --test this file
"use strict";

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { beforeEach, describe, test } = require("node:test");
const { runInThisContext } = require("node:vm");

const STATIC = join(__dirname, "../../../agent/page/static");
const SOURCE = ["words", "later/plot", "stream"]
    .map((name) => readFileSync(join(STATIC, `${name}.js`), "utf8")).join("");

beforeEach(() => runInThisContext(SOURCE));

describe("the numbers beside a plot", () => {
    const cases = [
        [10, [0, 2, 4, 6, 8, 10]],
        [333, [0, 100, 200, 300]],
        [2.79, [0, 1, 2]],
        [0.3, [0, 0.1, 0.2, 0.3]],
        [0.004, [0, 0.001, 0.002, 0.003, 0.004]],
        [1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
        [4096, [0, 1000, 2000, 3000, 4000]],
        [0, [0]],
        [NaN, [0]],
    ];
    for (const [most, numbers] of cases) {
        test(`are round up to ${most}`, () => {
            assert.deepEqual(globalThis.chatPlot.ticks(most), numbers);
        });
    }
});

describe("a plot", () => {
    // 100 pixels a second and one a character: 52 + 14 and 22 + 36 of them are beside the lines.
    const layout = (chunks, seconds = 2) =>
        globalThis.chatPlot.layout({ chunks, seconds }, 266, { seconds: 2, characters: 142 });

    test("rises at each chunk by its characters, and has a dot for each", () => {
        const { lines } = layout([[0.5, 10, 0], [1, 20, 0]]);
        assert.deepEqual(lines, [{
            kind: "text",
            count: 2,
            path: "M52 164H102V154H152V134H252",
            marks: "M102 154h0M152 134h0",
            characters: 30,
        }]);
    });

    test("has a line of its own for thoughts, below that of the answer", () => {
        const { lines } = layout([[0.5, 10, 1], [1, 20, 0]]);
        assert.deepEqual(lines.map(({ kind, characters }) => [kind, characters]), [
            ["thoughts", 10],
            ["text", 20],
        ]);
    });

    test("has no line where nothing came", () => {
        assert.deepEqual(layout([]).lines, []);
    });

    test("ends where its own answer ends, though another took longer", () => {
        assert.match(layout([[0.5, 10, 0]], 1).lines[0].path, /H152$/);
    });

    test("has its numbers where their values are", () => {
        const { across, up } = layout([[1, 142, 0]]);
        assert.deepEqual(across.at(-1), { value: 2, at: 252 });
        assert.deepEqual(up[1], { value: 50, at: 114 });
    });

    test("has room for the longest of the answers that are compared", () => {
        const answers = [
            { seconds: 2, chunks: [[1, 5, 0], [1, 6, 0], [1, 90, 1]] },
            { seconds: 3, chunks: [[1, 7, 0]] },
        ];
        assert.deepEqual(globalThis.chatPlot.extent(answers), { seconds: 3, characters: 90 });
    });

    test("of an answer without a second or a character is drawn, too", () => {
        const { lines } = globalThis.chatPlot.layout(
            { chunks: [[0, 0, 0]], seconds: 0 },
            266,
            { seconds: 0, characters: 0 },
        );
        assert.equal(lines[0].path, "M52 164H52V164H52");
    });
});

test("what comes for a panel that was never opened is not drawn", () => {
    globalThis.chatStream.show({ kind: "answer", answer: null });
    globalThis.chatStream.show(null);
});

test("a closed panel asks the server for nothing", () => {
    globalThis.chatStream.look();
});
