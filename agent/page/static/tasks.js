// What testers are asked to try, beside the chat, or on a narrow page in a line that opens. One object,
// `chatTasks`: agent/page/task_panel.py sends the list with all words, and only pages with a list have
// this script. What the host and testers have written is set as text, never as HTML.
(() => {
    "use strict";

    const { number } = globalThis.chatWords;
    const { make } = chatDialog;

    // Where this window keeps the task in view, the chats in which tasks were tried (their sessions, by
    // tasks), and whether the panel is open. The browser keeps the same of the window in which tasks
    // were done last: a new one goes on there.
    const PLACE = "chat tasks";

    // Where there is room beside the chat, as in tasks.css.
    const WIDE = "(min-width: 1180px)";

    // The text box with all around it. Where that is gone, the panel stands within.
    const BOX = "#conversation ~ :has(#message)";

    const VERDICTS = ["up", "down", "unsure"];

    const stored = () => {
        try {
            const found = sessionStorage.getItem(PLACE) ?? localStorage.getItem(PLACE);
            return { chats: {}, ...JSON.parse(found ?? "{}") };
        } catch {
            return { chats: {} };
        }
    };

    let kept = stored();

    const keep = (changes) => {
        kept = { ...kept, ...changes };
        try {
            for (const storage of [sessionStorage, localStorage]) {
                storage.setItem(PLACE, JSON.stringify(kept));
            }
        } catch {
            // A full storage: it holds until the page is loaded again.
        }
    };

    const TITLE = "task-title";

    // Tells Gradio that there is something to do; set by `watch`.
    let tell = () => {};

    // What the server has sent, and what is about to be sent to it.
    let taskList = null, pending = null;

    // What was chosen and written on tasks, and not stored, by their ids; and the tester's name.
    const drafts = new Map();
    let name = "";

    // What is said in the panel; and what is done once a verdict is stored.
    let said = "", goesOn = null, isRefused = false;

    const label = (key, values = {}) =>
        Object.entries(values).reduce(
            (text, [name, value]) => text.replace(`{${name}}`, value),
            taskList.labels[key],
        );
    const count = (key, values) => {
        const written = Object.entries(values).map(([name, value]) => [name, number(value)]);
        return label(key, Object.fromEntries(written));
    };

    // A text that may be written in another direction than those around it.
    const isolated = (text) => `\u2068${text}\u2069`;

    const current = () => taskList.tasks.find(({ id }) => id === kept.current);
    const place = (task) => taskList.tasks.indexOf(task);
    const verdictOf = ({ id }) => taskList.verdicts[id]?.verdict ?? "";
    const isBegun = ({ id }) => id in kept.chats || id in taskList.verdicts;
    const done = () =>
        count("done", {
            done: taskList.tasks.filter(verdictOf).length,
            all: taskList.tasks.length,
        });
    const nameOf = (task) => count("task", { number: place(task) + 1, all: taskList.tasks.length });

    const button = (id, textContent, onclick, className = "card-no") =>
        make("button", {
            type: onclick ? "button" : "submit",
            id,
            textContent,
            className,
            onclick,
        });

    const paragraph = (textContent, className = "") =>
        make("p", { textContent, className, dir: "auto" });

    // Drawing.

    const form = () => document.querySelector("#tasks form");

    // What is chosen and written in the form.
    const filled = () => ({
        verdict: form()?.elements.verdict.value ?? "",
        word: form()?.elements.word.value ?? "",
    });

    const known = ({ id }) => drafts.get(id) ?? taskList.verdicts[id] ?? { verdict: "", word: "" };

    const choice = (value, isChosen) => {
        const input = make("input", { type: "radio", name: "verdict", value, checked: isChosen });
        input.id = `task-${value}`;
        return make("label", { htmlFor: input.id }, input, ` ${label(value)}`);
    };

    const field = (id, text, element) => [
        make("label", { htmlFor: id, textContent: text }),
        Object.assign(element, { id, dir: "auto" }),
    ];

    const nameField = () => {
        const input = make("input", { name: "name", value: name, maxLength: taskList.maxName });
        input.autocomplete = "name";
        input.oninput = () => name = input.value;
        input.onchange = () => Object.keys(taskList.verdicts).length && send({ name });
        return field("task-name", label("name"), input);
    };

    const verdictForm = (task) => {
        const { verdict, word } = known(task);
        const legend = make("legend", { textContent: label("verdict") });
        const choices = VERDICTS.map((value) => choice(value, value === verdict));
        const words = make("textarea", { name: "word", rows: 2, value: word });
        const made = make(
            "form",
            {},
            make("fieldset", {}, legend, make("div", { className: "task-choices" }, ...choices)),
            ...field("task-word", label("word"), words),
            ...(taskList.person ? [] : nameField()),
            make(
                "p",
                { className: "card-buttons" },
                button("task-save", label("save"), null, "card-yes"),
                button("task-next", label("next"), () => leaveFor(next)),
                verdictOf(task) &&
                    button("task-back", label("takeBack"), () => judge(task, { verdict: "" })),
            ),
        );
        made.oninput = ({ target }) => {
            isRefused = false;
            if (target.name !== "name") drafts.set(task.id, filled());
        };
        made.onsubmit = (event) => {
            event.preventDefault();
            store(task);
        };
        return made;
    };

    // The task in view.
    const sheet = (task) => {
        const title = make("h2", { id: TITLE, tabIndex: -1, textContent: nameOf(task) });
        const words = task.words.map((text, place) =>
            button(
                `task-words-${place}`,
                label("words", { words: isolated(text) }),
                () => fill(text),
            )
        );
        return [
            title,
            paragraph(task.text, "task-text"),
            make("h3", { textContent: label("should") }),
            paragraph(task.should || label("notSaid"), "task-text"),
            words.length ? make("p", { className: "card-buttons task-words" }, ...words) : null,
            verdictForm(task),
            make(
                "p",
                { className: "card-buttons" },
                button("task-again", label("again"), () => begin(task)),
                button("task-list", label("list"), () => leaveFor(showList)),
            ),
        ];
    };

    const row = (task) => {
        const verdict = verdictOf(task);
        const open = button(`task-${task.id}`, "", () => isBegun(task) ? show(task) : begin(task));
        open.append(
            make("span", { className: "task-line", textContent: task.text, dir: "auto" }),
            verdict && make("span", {
                className: `task-mark task-is-${verdict}`,
                textContent: label(verdict),
            }),
        );
        return make("li", {}, open);
    };

    const list = () => [
        taskList.intro ? paragraph(taskList.intro, "task-text") : null,
        make("ol", {}, ...taskList.tasks.map(row)),
        paragraph(label("readBy"), "task-note"),
        make(
            "p",
            { className: "card-buttons" },
            button("task-report", label("report"), () => tell("download")),
        ),
    ];

    // The panel's parts, which stay: a screen reader hears what changes in one that is there.
    const LINE = "tasks-line";
    const line = make("summary", { id: LINE });
    const content = make("div");
    const state = make("p", { className: "card-state" });
    state.setAttribute("role", "status");
    const card = make("div", { className: "card" }, content, state);
    const panel = make("details", { id: "tasks" }, line, card);
    const section = make("section", { id: "tasks-place" }, panel);
    panel.addEventListener("toggle", () => keep({ isOpen: panel.open }));

    // Says something in the panel; where that is folded, below the text box.
    const say = (sentence) => {
        said = sentence;
        state.textContent = sentence;
        if (!panel.open && sentence) chatBox.tell(sentence);
    };

    // Draws the panel anew; `focus` is the id of what has the focus then, by default of what had it.
    const draw = (focus = panel.contains(document.activeElement) && document.activeElement.id) => {
        if (!taskList?.tasks.length) return section.remove();
        const task = current();
        const about = make("span", { textContent: `${label("title")}: ${done()}` });
        const now = task
            ? make("span", {
                className: "task-now",
                textContent: `${nameOf(task)}: ${isolated(task.text)}`,
            })
            : null;
        line.replaceChildren(...[now, about].filter(Boolean));
        content.replaceChildren(...(task ? sheet(task) : list()).filter(Boolean));
        panel.open = kept.isOpen ?? matchMedia(WIDE).matches;
        section.setAttribute("aria-label", label("title"));
        if (!section.isConnected) (document.querySelector(BOX) ?? chatBox.frame())?.before(section);
        if (focus) (document.getElementById(focus) ?? line).focus();
    };

    // The same from its top, with nothing said.
    const turnTo = (changes, focus) => {
        keep(changes);
        isRefused = false;
        say("");
        draw(focus);
        card.scrollTop = 0;
    };

    // Doing.

    const send = (given) => {
        pending = { name, ...given };
        tell("submit");
    };

    const judge = (task, given) => {
        drafts.delete(task.id); // What is written from now on is another.
        send({ task: task.id, chat: kept.chats[task.id] ?? "", ...given });
    };

    // Stores what is chosen and written; whether there is anything to store.
    const store = (task) => {
        const { verdict, word } = filled();
        if (!verdict) say(label("choose"));
        else if (word.length > taskList.maxWords) say(taskList.tooLong);
        else judge(task, { verdict, word });
        return verdict !== "" && word.length <= taskList.maxWords;
    };

    // Stores what is chosen, if anything is, and goes on when it is stored. What is only written waits,
    // and so does what could not be stored, for who wants to go on all the same.
    const leaveFor = (act) => {
        const task = current();
        const isChanged = drafts.has(task.id) && drafts.get(task.id).verdict;
        if (!isChanged || isRefused) return act();
        goesOn = store(task) ? act : null;
    };

    const fill = (text) => {
        const box = chatBox.find();
        if (!box) return;
        box.value = text;
        box.dispatchEvent(new Event("input", { bubbles: true }));
    };

    // A new chat begins; where the panel covers the chat, it is folded.
    const begin = (task) => {
        // If the page is loaded again before anything is said, it does not show an older chat.
        const url = new URL(location.href);
        url.searchParams.set("chat", "new");
        history.replaceState(history.state, "", url);
        const chats = { ...kept.chats, [task.id]: "" };
        const isOpen = matchMedia(WIDE).matches && panel.open;
        // The text box takes the focus, but on a touch screen.
        const focus = matchMedia("(hover: hover)").matches ? "" : LINE;
        turnTo({ current: task.id, chats, isOpen }, focus);
        tell("select");
    };

    const show = (task) => turnTo({ current: task?.id }, TITLE);

    const showList = () => show(null);

    // The next task that is still to be judged, or all of them where there is none.
    const next = () => {
        const at = place(current());
        const others = [...taskList.tasks.slice(at + 1), ...taskList.tasks.slice(0, at)];
        const found = others.find((task) => !verdictOf(task));
        if (found) return isBegun(found) ? show(found) : begin(found);
        showList();
        if (taskList.tasks.every(verdictOf)) say(label("allDone"));
    };

    // A page that is opened shows the chat of the task in view; a new one, if nothing has been asked in
    // it.
    chatArrival.beside = () => kept.current ? kept.chats[kept.current] || "new" : "";

    globalThis.chatTasks = {
        // Takes what tells Gradio that there is something to do.
        watch(trigger) {
            tell = trigger;
        },

        // Takes what the server sends: all there is, or what has come of one verdict.
        take(sent) {
            if (sent.kind === "all") {
                const isForgotten = taskList !== null && !Object.keys(sent.verdicts).length;
                if (isForgotten) {
                    drafts.clear();
                    name = "";
                    keep({ current: undefined, chats: {} });
                }
                taskList = sent;
                name ||= taskList.name;
                draw();
                return say(taskList.said);
            }
            if (sent.error) return this.refuse(sent.error);
            if (!sent.task) return;
            const { [sent.task]: _before, ...others } = taskList.verdicts;
            taskList.verdicts = sent.verdict ? { ...others, [sent.task]: sent.verdict } : others;
            const act = goesOn;
            [said, goesOn] = ["", null];
            if (act) act();
            else draw();
            if (!said) say(`${sent.said} ${done()}`);
        },

        // Says why something was not stored.
        refuse(sentence) {
            [goesOn, isRefused] = [null, true];
            if (form()) drafts.set(current().id, filled());
            say(sentence);
        },

        lost() {
            this.refuse(taskList.lost);
            isRefused = false;
        },

        // Returns its inputs; the last is replaced by what is to be sent.
        given: (...inputs) => [...inputs.slice(0, -1), pending],

        // The new chat is there: what is to be said waits in the box.
        begun() {
            const text = current()?.words[0];
            if (text) {
                chatBox.saveDraft(text, "");
                fill(text);
            }
            say(label("begun"));
        },

        // Another chat is on the page, or this one has got its id: what is judged is what is seen.
        moved(session) {
            const { current: id } = kept;
            if (id) keep({ chats: { ...kept.chats, [id]: session } });
        },
    };
})();
