// The visitor's chats in the side bar: by day, each with a menu. One object, `chatList`:
// agent/page/sidebar.py makes its place and hears of it. Names are set as text, never as HTML.
(() => {
    "use strict";

    const { _ } = globalThis.chatWords;

    const { make } = chatDialog;

    const SEARCH = _("Search your chats");
    const NEW_NAME = _("A new name for this chat");
    const NOT_FOUND = _("None of your chats has these words in its name.");
    const SAVES = {
        md: _("Save as Markdown"),
        html: _("Save as a web page"),
        json: _("Save for ADK (JSON)"),
        zip: _("Save as a report for developers (ZIP)"),
    };
    const KEPT = _(
        "This chat is kept, as it is now, as an example of how it should go. Whoever runs this " +
            "page can read it, and test the agent by it, until the chat is deleted.",
    );
    const FORGET = _(
        "Really delete all that you have said here, in all of your chats? It cannot be " +
            "brought back.",
    );

    // While the side bar is folded the server is not asked for a list that nobody sees.
    const OPEN_SIDE_BAR = "#side-bar.open";

    // Tells Gradio what the visitor wants; set by `watch`.
    let send = () => {};

    // The elements; and of each chat, by its id, those of its row.
    let view = null;
    const rows = new Map();

    // What the server has sent last: {id, name, time} of each chat, the newest first.
    let chats = [];

    // Which chat is about to be deleted, and which is being named.
    let deleted = null, named = null;

    // How the rows are laid out, and whether they are to be so when a chat has its name.
    let drawn = "", isOld = false;

    const find = (wanted) => chats.find(({ id }) => id === wanted);

    // Days, by the visitor's own clock.

    const DAY = 86_400_000; // Milliseconds.

    const daysAgo = (date) => {
        const midnights = [new Date(), new Date(date)].map((time) => time.setHours(0, 0, 0, 0));
        return Math.round((midnights[0] - midnights[1]) / DAY); // One of them may have 23 hours.
    };

    const dayOf = ({ time }) => {
        const date = new Date(time * 1000), days = daysAgo(date);
        if (days < 2) return days < 1 ? _("Today") : _("Yesterday");
        if (days < 7) return _("Last 7 days");
        // The page's own words are in this language.
        const { lang } = document.documentElement;
        return date.toLocaleDateString(lang || "en", { month: "long", year: "numeric" });
    };

    // Drawing.

    // A chat's name becomes a field: Enter, or to leave it, gives the new name, Escape the old one.
    const rename = (id) => {
        const chat = find(id);
        if (!chat) return;
        const { row, menu } = rows.get(id), parts = [...row.children];
        const field = make("input", { className: "chat-name", value: chat.name, maxLength: 200 });
        field.dir = "auto";
        field.setAttribute("aria-label", NEW_NAME);
        const end = (isMeant) => {
            if (named === null) return;
            named = null;
            const name = field.value.trim();
            const hadFocus = document.activeElement === field;
            row.replaceChildren(...parts);
            if (isMeant && name && name !== chat.name) {
                chat.name = name;
                send("click", { kind: "rename", id, name });
            }
            if (isOld) draw();
            else keepRow(chat);
            if (hadFocus) menu.focus();
        };
        field.onblur = () => end(true);
        field.onkeydown = (event) => {
            // An input method ends its own work by these keys.
            if (event.isComposing || event.keyCode === 229) return;
            if (!["Enter", "Escape"].includes(event.key)) return;
            event.preventDefault(); // Else Enter presses what has the focus next.
            end(event.key === "Enter");
        };
        named = id;
        row.replaceChildren(field);
        field.focus();
        field.select();
    };

    const remove = async (id) => {
        const name = find(id)?.name;
        if (name === undefined) return;
        const question = _("Really delete “{name}”? It cannot be brought back.", { name });
        if (!(await chatDialog.confirm(view.place, question, _("Delete")))) return;
        deleted = id;
        send("delete", { id });
    };

    const example = (id) => ({
        label: _("Keep as a good example"),
        act: () => send("click", { kind: "example", id }),
    });

    // A chat is an example now, until its visitor does not want that any more.
    const tellKept = async (id) => {
        const isTakenBack = await chatDialog.confirm(
            ...[view.place, KEPT, _("Take it back"), _("Close")],
        );
        if (isTakenBack) send("click", { kind: "no example", id });
    };

    const entries = (id) => [
        { label: _("Rename"), act: () => rename(id) },
        { label: _("Share"), act: () => send("click", { kind: "link", id }) },
        null,
        ...Object.entries(SAVES).map(([kind, label]) => (
            { label, act: () => send("download", { kind, id }) }
        )),
        ...(chatFeedback.isOn ? [example(id)] : []),
        null,
        { label: _("Delete"), act: () => remove(id) },
    ];

    const open = (id) => {
        if (id === chatBox.place()) chatAccess.uncover();
        else send("select", { id });
    };

    const newRow = (id) => {
        const name = make("button", { type: "button", dir: "auto", onclick: () => open(id) });
        const menu = chatMenu.button(view.place, () => entries(id));
        return { row: make("li", {}, name, menu), name, menu };
    };

    // Makes a chat's row, or brings it up to date.
    const keepRow = ({ id, name }) => {
        if (!rows.has(id)) rows.set(id, newRow(id));
        const row = rows.get(id);
        row.name.textContent = row.name.title = name;
        row.name.setAttribute("aria-current", String(id === chatBox.place()));
        row.menu.setAttribute("aria-label", _("What to do with “{name}”", { name }));
    };

    // Neighbours of one day.
    const days = (found) => {
        const all = [];
        for (const chat of found) {
            const day = dayOf(chat);
            if (all.at(-1)?.day !== day) all.push({ day, ids: [] });
            all.at(-1).ids.push(chat.id);
        }
        return all;
    };

    const section = ({ day, ids }) => {
        const list = make("ul", {}, ...ids.map((id) => rows.get(id).row));
        return make("section", {}, make("h2", { textContent: day }), list);
    };

    // What has moved has lost the focus; in the place of what is gone stands the next one.
    const move = (sections) => {
        const { activeElement } = document;
        const hadFocus = view.list.contains(activeElement);
        const buttons = () => [...view.list.querySelectorAll("button")];
        const place = buttons().indexOf(activeElement);
        view.list.replaceChildren(...sections);
        if (!hadFocus) return;
        const next = activeElement.isConnected
            ? activeElement
            : buttons()[place] ?? buttons().at(-1) ?? view.list;
        next.focus();
    };

    // Rows stay where they are, unless they have to move: a click on one would be lost.
    const draw = () => {
        isOld = named !== null;
        if (!view || isOld) return;
        const words = view.search.value.toLowerCase();
        const found = chats.filter(({ name }) => name.toLowerCase().includes(words));
        for (const id of rows.keys()) if (!find(id)) rows.delete(id);
        found.forEach(keepRow);
        const all = days(found), before = drawn;
        drawn = JSON.stringify(all);
        if (drawn !== before) move(all.map(section));
        view.note.textContent = chats.length && !found.length ? NOT_FOUND : "";
    };

    const build = (place) => {
        const search = make("input", { type: "search", placeholder: SEARCH, oninput: draw });
        search.setAttribute("aria-label", SEARCH);
        const list = make("nav", { tabIndex: -1 });
        list.setAttribute("aria-label", _("Your chats"));
        const note = make("p", {});
        note.setAttribute("role", "status");
        const forget = make("button", { type: "button", textContent: _("Forget me") });
        forget.onclick = async () => {
            if (await chatDialog.confirm(place, FORGET, _("Really delete all my chats"))) {
                send("clear");
            }
        };
        const account = make("div", { className: "account" });
        const parts = [search, list, note, account, forget];
        place.replaceChildren(make("div", { className: "chats" }, ...parts));
        return { place, search, list, note, account };
    };

    globalThis.chatList = {
        // Takes the place of the list, and what tells Gradio of the visitor's wishes.
        watch(place, trigger) {
            send = trigger;
            view = build(place);
        },

        // Asks the server for the list, if it is to be seen: something in it has changed.
        look() {
            draw();
            if (document.querySelector(OPEN_SIDE_BAR)) send("expand");
        },

        // Shows what the server has sent.
        list(listed) {
            if (listed) {
                chats = listed.chats;
                chatAccount.show(view?.account, listed.account);
            }
            draw();
        },

        // Hears what has come of a wish.
        wishDone(about) {
            const name = find(about.id)?.name ?? "";
            const wish = (kind) => send("click", { kind, id: about.id });
            if (about.kind === "example" && about.isThere) return tellKept(about.id);
            if (about.kind === "no example" && about.isThere) return;
            const isOfLink = about.isThere && about.kind !== "rename";
            if (isOfLink) chatShare.show(view.place, about, name, wish);
            else globalThis.chatList.look(); // It has another name, or is not there any more.
        },

        failed() {
            chatShare.failed();
            globalThis.chatList.look();
        },

        // Whether the chat on the page is the one that is about to be deleted.
        deletesThis: () => deleted !== null && deleted === chatBox.place(),
    };
})();
