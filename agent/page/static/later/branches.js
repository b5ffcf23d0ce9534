// Branches of one step that answer at the same time stand side by side, each in a frame of its own,
// where there is room. Loaded by text.js when the first ones come.
//
// Gradio draws all messages of an answer as neighbours, which must stay where they are. So each one
// is given its column and, as its neighbours in other columns are of other heights, as many rows of
// one pixel as it is high.

// What this file knows of Gradio 6.31's front end. If any of it is missing, branches stand one below
// the other.
const ELEMENTS = {
    answers: ".bot.message",
    title: ".thought-group > .title .md",
    // The line of figures, which ends the branches.
    foot: ".message-content small[title]",
};

// Before the title of a branch, and after that of what comes behind the last one
// (agent/render/messages.py).
const MARK = "\u2063";

// In pixels: the least width of a column, the most of it, and what is between two.
const LEAST = 264, MOST = 416, GAP = 16;

const titleOf = (message) => message.querySelector(ELEMENTS.title)?.textContent.trim() ?? "";

// Each message with the number of its branch in its step, from 1; 0 for none.
const numbered = (messages) => {
    let number = 0;
    return messages.map((message) => {
        const title = titleOf(message);
        if (title.startsWith(MARK)) number += 1;
        else if (title.endsWith(MARK) || message.querySelector(ELEMENTS.foot)) number = 0;
        return [message, number];
    });
};

const set = (element, name, value) => {
    if (element.dataset[name] !== value) element.dataset[name] = value;
};

const span = (message) => {
    const gap = message.dataset.branch?.includes("last") ? GAP : 0;
    message.style.gridRowEnd = `span ${Math.ceil(message.offsetHeight) + gap}`;
};

// In the next frame: a browser takes what changes in this one for a loop.
const sizes = new ResizeObserver((changes) =>
    requestAnimationFrame(() => changes.forEach(({ target }) => span(target)))
);

const arrange = (answer, room) => {
    const found = numbered([...answer.children]);
    const most = Math.max(...found.map(([, number]) => number));
    if (most === 0) return;
    const columns = Math.max(1, Math.min(most, Math.floor((room + GAP) / (LEAST + GAP))));
    const width = Math.min(room, columns * (MOST + GAP) - GAP);
    answer.style.setProperty("--branches", columns);
    answer.style.setProperty("--branches-width", `${width}px`);
    set(answer, "branches", columns > 1 ? "beside" : "below");
    found.forEach(([message, number], index) => {
        const is = [
            ...number ? ["in"] : [],
            ...number && found[index - 1]?.[1] !== number ? ["first"] : [],
            ...number && found[index + 1]?.[1] !== number ? ["last"] : [],
        ];
        set(message, "branch", is.join(" "));
        message.style.gridColumn = number ? (number - 1) % columns + 1 : "1 / -1";
        sizes.observe(message);
        span(message);
    });
};

// Has the answers of this log arranged, now and whenever something changes in it.
export const watch = (log) => {
    const look = () => {
        const { paddingInlineStart } = getComputedStyle(log.firstElementChild ?? log);
        const room = log.clientWidth - 2 * parseFloat(paddingInlineStart);
        for (const answer of log.querySelectorAll(ELEMENTS.answers)) arrange(answer, room);
    };
    let isDue = false;
    const lookSoon = () => {
        if (isDue) return;
        isDue = true;
        requestAnimationFrame(() => {
            isDue = false;
            look();
        });
    };
    new MutationObserver(lookSoon).observe(log, { subtree: true, childList: true });
    new ResizeObserver(lookSoon).observe(log);
};
