// A plot of how an answer came: characters over seconds, as SVG. One object, `chatPlot`, for
// stream.js, which loads it.
(() => {
    "use strict";

    globalThis.chatWords.add({/* translations */});
    const { _ } = globalThis.chatWords;

    // Pixels: the height of a plot, and the room around its lines for what is written there.
    const HEIGHT = 200;
    const ROOM = { left: 52, right: 14, top: 22, bottom: 36 };

    const round = (number) => Math.round(number * 10) / 10;

    // Round numbers from 0 to the largest that is no more than `most`; at most six of them.
    const ticks = (most) => {
        if (!(most > 0)) return [0];
        const power = 10 ** Math.floor(Math.log10(most / 5));
        const step = [1, 2, 5, 10].map((times) => times * power).find((step) => most / step <= 5);
        const count = Math.floor(most / step + 1e-9);
        return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toFixed(6)));
    };

    // The line of texts of one kind, which rises at each, and a dot of no length for each.
    const line = (chunks, seconds, x, y) => {
        let characters = 0, path = `M${x(0)} ${y(0)}`, marks = "";
        for (const [at, size] of chunks) {
            characters += size;
            path += `H${x(at)}V${y(characters)}`;
            marks += `M${x(at)} ${y(characters)}h0`;
        }
        return { path: `${path}H${x(seconds)}`, marks, characters };
    };

    // Where everything is in a plot of that width: the lines of the answer and of the thoughts, as
    // far as there are any, and the numbers beside them. Several plots that are to be compared have
    // the same `most`: {seconds, characters}.
    const layout = ({ chunks, seconds }, width, most) => {
        const [right, bottom] = [width - ROOM.right, HEIGHT - ROOM.bottom];
        const across = (right - ROOM.left) / (most.seconds || 1);
        const up = (bottom - ROOM.top) / (most.characters || 1);
        const x = (at) => round(ROOM.left + at * across);
        const y = (characters) => round(bottom - characters * up);
        const kinds = [["thoughts", 1], ["text", 0]];
        return {
            lines: kinds.map(([kind, isThought]) => {
                const own = chunks.filter((chunk) => chunk[2] === isThought);
                return { kind, count: own.length, ...line(own, seconds, x, y) };
            }).filter(({ count }) => count),
            across: ticks(most.seconds).map((value) => ({ value, at: x(value) })),
            up: ticks(most.characters).map((value) => ({ value, at: y(value) })),
            ...{ left: ROOM.left, right, bottom },
        };
    };

    // What plots of these answers must have room for.
    const extent = (answers) => ({
        seconds: Math.max(...answers.map(({ seconds }) => seconds)),
        characters: Math.max(
            ...answers.flatMap(({ chunks }) =>
                [0, 1].map((kind) =>
                    chunks.filter((chunk) => chunk[2] === kind)
                        .reduce((sum, [, size]) => sum + size, 0)
                )
            ),
        ),
    });

    const make = (tag, attributes, text = "") => {
        const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
        for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
        element.textContent = text;
        return element;
    };

    // A plot of that width; `label` says the same in words.
    const draw = (answer, width, most, label) => {
        const { lines, across, up, left, right, bottom } = layout(answer, width, most);
        const svg = make("svg", { width, height: HEIGHT, role: "img", "aria-label": label });
        for (const { value, at } of up) {
            svg.append(
                make("path", { class: "plot-grid", d: `M${left} ${at}H${right}` }),
                make("text", { x: left - 6, y: at + 4, "text-anchor": "end" }, String(value)),
            );
        }
        for (const { value, at } of across) {
            svg.append(
                make("path", { class: "plot-grid", d: `M${at} ${bottom}v4` }),
                make("text", { x: at, y: bottom + 16, "text-anchor": "middle" }, String(value)),
            );
        }
        svg.append(
            make("text", { x: 4, y: 12 }, _("characters")),
            make(
                "text",
                { x: right, y: HEIGHT - 4, "text-anchor": "end" },
                _("seconds since the question"),
            ),
        );
        for (const { kind, path, marks } of lines) {
            svg.append(
                make("path", { class: `plot-line plot-${kind}`, d: path }),
                make("path", { class: `plot-marks plot-${kind}`, d: marks }),
            );
        }
        return svg;
    };

    globalThis.chatPlot = { ticks, layout, extent, draw };
})();
