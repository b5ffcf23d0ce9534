// The text box of the page: what is typed there and not sent, and what is said below it. One object,
// `chatBox`, for chat.js.
(() => {
    "use strict";

    const BOX = "message"; // The id of the component.

    // Where one types; null on a page of another Gradio.
    const find = () => document.querySelector(`#${BOX} textarea`);

    // Which chat is on the page: its session's id; "" for a new one.
    const place = () => history.state?.place ?? "";

    // Where this window alone, and it after a reload too, keeps drafts by their chats.
    const DRAFTS = "chat drafts";

    // A browser may forbid to store anything.
    const whereStored = (act) => {
        try {
            return act(sessionStorage);
        } catch {
            return null;
        }
    };

    const readDrafts = () => whereStored((storage) => JSON.parse(storage.getItem(DRAFTS))) ?? {};

    const hasFiles = ({ types }) => [...types ?? []].includes("Files");

    // The text box with all that stands beside it; null on a page of another Gradio.
    const frame = () => {
        let element = document.getElementById(BOX);
        const isBeside = ({ parentElement }) =>
            getComputedStyle(parentElement).flexDirection === "row";
        while (element && isBeside(element)) element = element.parentElement;
        return element;
    };

    globalThis.chatBox = {
        find,
        frame,

        // Says a sentence below the box; "" for none.
        tell(sentence) {
            let said = document.getElementById("said");
            if (said === null) {
                if (!sentence) return;
                said = document.createElement("p");
                said.id = "said";
                said.setAttribute("role", "status");
                frame()?.after(said);
            }
            said.textContent = sentence;
        },

        // Keeps what is typed, or this text, under the chat that it is for.
        saveDraft(text = find()?.value) {
            const { [place()]: _, ...drafts } = readDrafts();
            if (text) drafts[place()] = text;
            whereStored((storage) => storage.setItem(DRAFTS, JSON.stringify(drafts)));
        },

        forgetDrafts() {
            whereStored((storage) => storage.removeItem(DRAFTS));
        },

        // What was typed in that chat, or in the one on the page, and not sent.
        draft(session = place()) {
            return readDrafts()[session] ?? "";
        },

        // Keeps drafts as they are typed, and when the page is left. A file that is dropped or pasted
        // is refused in a sentence: by itself a browser would open it in place of the page.
        watch(noFiles) {
            addEventListener("pagehide", () => this.saveDraft());
            addEventListener("input", ({ target }) => target === find() && this.saveDraft());
            const refuse = (event) => {
                const isText = event.target.closest?.("textarea, input");
                if (isText && !hasFiles(event.dataTransfer)) return;
                event.preventDefault();
                if (event.type === "drop" && hasFiles(event.dataTransfer)) this.tell(noFiles);
            };
            addEventListener("dragover", refuse, true);
            addEventListener("drop", refuse, true);
            addEventListener("paste", ({ clipboardData }) => {
                if (hasFiles(clipboardData) && !clipboardData.getData("text")) this.tell(noFiles);
            }, true);
        },
    };
})();
