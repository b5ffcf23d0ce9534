// Tests of talk_sound.js: what is sent of a microphone at any rate, and how a voice is played that
// comes in pieces.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

const processors = {};
globalThis.registerProcessor = (name, made) => processors[name] = made;
globalThis.AudioWorkletProcessor = class {
    constructor() {
        this.told = [];
        this.port = { postMessage: (data) => this.told.push(data) };
    }
};
require("../../../agent/page/static/later/talk_sound.js");

// Samples of a block, as browsers call `process` with.
const BLOCK = 128;

const microphone = (rate, seconds, hertz) => {
    globalThis.sampleRate = rate;
    const made = new processors["talk-microphone"]();
    for (let at = 0; at < rate * seconds; at += BLOCK) {
        const block = Float32Array.from(
            { length: BLOCK },
            (_, i) => 0.5 * Math.sin(2 * Math.PI * hertz * (at + i) / rate),
        );
        made.process([[block]]);
    }
    return made.told.map((piece) => new Int16Array(piece));
};

for (const rate of [16_000, 44_100, 48_000]) {
    test(`sends a tenth of a second at a time of a microphone at ${rate} Hz`, () => {
        const pieces = microphone(rate, 1, 400);
        assert.ok([9, 10].includes(pieces.length), String(pieces.length));
        assert.ok(pieces.every((piece) => piece.length === 1600));
        const samples = pieces.flatMap((piece) => [...piece]);
        const ups = samples.filter((sample, i) => i > 0 && samples[i - 1] < 0 && sample >= 0);
        const hertz = ups.length / (samples.length / 16_000);
        assert.ok(Math.abs(hertz - 400) < 8, String(hertz));
        assert.ok(Math.max(...samples) > 15_000 && Math.max(...samples) < 16_500);
    });
}

const voice = () => {
    globalThis.sampleRate = 24_000;
    const made = new processors["talk-voice"]();
    const tell = (data) => made.port.onmessage({ data });
    const add = (...samples) => tell(Int16Array.from(samples).buffer);
    const play = (blocks) => {
        const played = [];
        for (let i = 0; i < blocks; i++) {
            const output = new Float32Array(BLOCK);
            made.process([], [[output]]);
            played.push(...output);
        }
        return played.map((sample) => Math.round(sample * 32_768));
    };
    return { made, tell, add, play };
};

const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

test("plays pieces of any length as one, once a tenth of a second is there", () => {
    const { made, add, play } = voice();
    add(...numbers(1, 2000));
    assert.ok(play(3).every((sample) => sample === 0));
    add();
    add(...numbers(2000, 2500));
    assert.deepEqual(play(2).concat(play(18)).filter(Boolean), numbers(1, 2500));
    assert.deepEqual(made.told, [true, false]);
});

test("plays the end of an answer, however short, and waits again after a gap", () => {
    const { tell, add, play } = voice();
    add(...numbers(1, 100));
    tell("end");
    assert.deepEqual(play(1).filter(Boolean), numbers(1, 100));
    add(7, 8);
    assert.ok(play(1).every((sample) => sample === 0));
});

test("is silent at once when it is told to, and begins anew", () => {
    const { made, tell, add, play } = voice();
    add(...numbers(1, 5000));
    play(1);
    tell("flush");
    assert.ok(play(40).every((sample) => sample === 0));
    assert.deepEqual(made.told, [true, false]);
    add(...numbers(1, 2401));
    assert.deepEqual(play(19).filter(Boolean), numbers(1, 2401));
});
