// The files that a visitor adds to a message: by a button, by dropping and by pasting them; and
// copies of chats, which are saved. One object, `chatFiles`, for chat.js.
//
// What is added goes to the server at once (agent/api/uploads.py), and with the message only what
// that calls it.
(() => {
    "use strict";

    // Each {name, line, request}: `line` is the Markdown of a file that is there, as the page shows it
    // in a message; `request` what brings it there. By chats, as the text box keeps drafts.
    const byChat = new Map();

    // What `watch` is given.
    let constants = {};

    const files = () => byChat.get(chatBox.place()) ?? [];
    const setFiles = (changed) => {
        byChat.set(chatBox.place(), changed);
        draw();
    };

    // A message's lines, and the address in one of them (agent/render/file_links.py).
    const linesOf = (shown) => shown.split("\n\n").filter(Boolean);
    const addressOf = (line) => /\((files\/[^)\s]+)\)/.exec(line)?.[1] ?? "";
    const nameOf = (line) => decodeURIComponent(addressOf(line).split("/")[2] ?? "");

    const element = (name, properties, ...children) => {
        const made = Object.assign(document.createElement(name), properties);
        made.append(...children);
        return made;
    };

    const remove = (file) => {
        file.request?.abort();
        for (const [place, all] of byChat) {
            byChat.set(place, all.filter((other) => other !== file));
        }
        draw();
    };

    const item = (file) => {
        const button = element("button", { type: "button", textContent: "×" });
        button.setAttribute("aria-label", constants.removeFile.replace("{name}", file.name));
        button.addEventListener("click", () => remove(file));
        const percent = file.request ? ` ${file.percent} %` : "";
        const name = element("span", { className: "file-name", textContent: file.name });
        return element("li", {}, name, percent, button);
    };

    const draw = () => {
        let list = document.getElementById("files");
        if (list === null) {
            if (files().length === 0) return;
            list = element("ul", { id: "files" });
            list.setAttribute("aria-label", constants.filesOfMessage);
            chatBox.frame()?.before(list);
        }
        list.replaceChildren(...files().map(item));
    };

    // What is said of files that were added together and are not taken.
    let refusals = [];

    const refuse = (file, sentence) => {
        remove(file);
        refusals.push(`${file.name}: ${sentence}`);
        chatBox.tell(refusals.join(" "));
    };

    const sentenceOf = (request) => {
        if (request.status === 413) return constants.fileTooLarge;
        try {
            return JSON.parse(request.responseText).detail;
        } catch {
            return constants.notUploaded;
        }
    };

    // By XMLHttpRequest, which tells how much of it is there; `fetch` does not.
    const send = (file, content) => {
        const request = file.request = new XMLHttpRequest();
        const about = new URLSearchParams({ name: file.name, visitor: constants.visitor ?? "" });
        request.open("POST", `files?${about}`);
        request.upload.addEventListener("progress", ({ loaded, total }) => {
            file.percent = Math.floor(100 * loaded / total);
            draw();
        });
        file.whenThere = new Promise((done) => {
            request.addEventListener("loadend", () => {
                file.request = null;
                if (request.status === 201) {
                    file.line = JSON.parse(request.responseText).shown;
                    draw();
                } else if (request.status || !file.isRemoved) {
                    refuse(file, request.status ? sentenceOf(request) : constants.notUploaded);
                }
                done();
            });
        });
        request.addEventListener("abort", () => file.isRemoved = true);
        request.send(content);
    };

    const add = (content) => {
        const file = { name: content.name, line: "", percent: 0 };
        if (content.size > constants.maxFileSize) return refuse(file, constants.fileTooLarge);
        if (files().length >= constants.maxFiles) return refuse(file, constants.tooManyFiles);
        setFiles([...files(), file]);
        send(file, content);
    };

    const addAll = (contents) => {
        refusals = [];
        chatBox.tell("");
        [...contents].forEach(add);
    };

    // A telephone offers its camera, too. The names of types make iPhones send JPEG.
    const addButton = () => {
        const input = element("input", { type: "file", multiple: true, hidden: true });
        input.accept = constants.accept;
        input.addEventListener("change", () => {
            addAll(input.files);
            input.value = ""; // The same file can be chosen again.
        });
        const button = element("button", {
            id: "attach",
            type: "button",
            title: constants.addFiles,
        });
        button.setAttribute("aria-label", constants.addFiles);
        button.textContent = "+";
        button.addEventListener("click", () => input.click());
        document.getElementById("message")?.prepend(button, input);
    };

    // Milliseconds in which the browser must have begun to save a file.
    const DOWNLOAD_TIMEOUT = 60_000;

    globalThis.chatFiles = {
        // Takes what the page knows of files, and sentences for the visitor.
        watch(given) {
            constants = given;
            if (constants.accept) addButton();
        },

        // Takes files that were dropped or pasted.
        take(contents) {
            if (constants.accept) addAll(contents);
            else chatBox.tell(constants.noFiles);
        },

        // The visitor's id, by which files are counted.
        knowVisitor(id) {
            constants.visitor = id;
        },

        draw,

        // Whether the message has any.
        get any() {
            return files().length > 0;
        },

        // Waits until all are there; whether nothing was refused meanwhile.
        async arrived() {
            const sent = files();
            await Promise.all(sent.map(({ whenThere }) => whenThere));
            return sent.every(({ line }) => line);
        },

        // The lines of all, which are taken off the list.
        takeLines() {
            const lines = files().map(({ line }) => line);
            if (lines.length) setFiles([]);
            return lines.join("\n\n");
        },

        // Puts the files of a message back on the list.
        restore(shown) {
            const lines = linesOf(shown).filter(addressOf);
            if (lines.length) setFiles(lines.map((line) => ({ name: nameOf(line), line })));
        },

        // Saves {name, text} or {name, base64} as a file. So the server keeps no file, and no address
        // at which others could find one.
        save(file) {
            if (file === null) return null;
            const bytes = (text) =>
                Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
            const content = file.base64 ? bytes(file.base64) : file.text;
            const link = document.createElement("a");
            link.href = URL.createObjectURL(new Blob([content]));
            link.download = file.name;
            link.click();
            setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_TIMEOUT);
            return null;
        },

        // What the server knows them by.
        addresses: (shown) => linesOf(shown).map(addressOf).filter(Boolean),
    };
})();
