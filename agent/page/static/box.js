// The text box of the page: what is typed there and not sent, and what is said below it. One object,
// `chatBox`, for chat.js.
(() => {
    "use strict";

    const { _, number } = globalThis.chatWords;

    const BOX = "message"; // The id of the component.

    // Where one types; null on a page of another Gradio.
    const find = () => document.querySelector(`#${BOX} textarea`);

    // Which chat is on the page: its session's id; "" for a new one.
    const place = () => history.state?.place ?? "";

    // Where this window alone, and it after a reload too, keeps drafts by their chats; that for a new
    // chat by the agent, where there are several.
    const DRAFTS = "chat drafts";
    const keyOf = (session) => session || (chatAgents.named() ?? "");

    // How many characters a message can have, as Python counts them; 0 for any number. From this part
    // of them on it is told how many there are.
    let longest = 0;
    const NEARLY = 0.8;
    const TOO_LONG = _("This message is too long. Please shorten it, or send it in parts.");
    const lengthOf = (text) => [...text].length;

    // Tells below the box how much of what a message can have is typed, once it is nearly as much.
    const watchLength = (box) => {
        const counter = document.createElement("p");
        counter.id = "length";
        box.setAttribute("aria-describedby", counter.id);
        frame().after(counter);
        const count = () => {
            const length = lengthOf(box.value);
            const text = `${number(length)} / ${number(longest)}`;
            counter.textContent = length < NEARLY * longest ? "" : text;
            counter.classList.toggle("is-over", length > longest);
            const isTold = document.getElementById("said")?.textContent === TOO_LONG;
            if (isTold && length <= longest) globalThis.chatBox.tell("");
        };
        box.addEventListener("input", count);
        // It is emptied, and given back what could not be sent, when it is locked and unlocked.
        new MutationObserver(() => setTimeout(count)).observe(box, {
            attributeFilter: ["disabled"],
        });
    };

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
        place,

        // Gives the focus back to the box, which lost it by being locked; not on a touch screen, where
        // that would open the keyboard. What has the focus in the chat has it by a key or a click of
        // the reader's, or else it may not keep it.
        keepFocus(box, log) {
            let isMoved = false;
            const moved = ({ type, key }) => isMoved ||= type === "pointerdown" || key === "Tab";
            addEventListener("pointerdown", moved, true);
            addEventListener("keydown", moved, true);
            new MutationObserver(() => {
                const { activeElement, body } = document;
                const isLost = activeElement === body || (!isMoved && log?.contains(activeElement));
                const isFree = !box.disabled && isLost;
                if (isFree && matchMedia("(hover: hover)").matches) box.focus();
                isMoved &&= !box.disabled;
            }).observe(box, { attributeFilter: ["disabled"] });
        },

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

        // Whether a message is longer than it can be, which is said; it stays in the box.
        isTooLong(text) {
            const isSo = longest > 0 && lengthOf(text) > longest;
            if (isSo) this.tell(TOO_LONG);
            return isSo;
        },

        // Keeps what is typed, or this text, under the chat that it is for.
        saveDraft(text = find()?.value, session = place()) {
            const { [keyOf(session)]: _, ...drafts } = readDrafts();
            if (text) drafts[keyOf(session)] = text;
            whereStored((storage) => storage.setItem(DRAFTS, JSON.stringify(drafts)));
        },

        forgetDrafts() {
            whereStored((storage) => storage.removeItem(DRAFTS));
        },

        // What was typed in that chat, or in the one on the page, and not sent.
        draft(session = place()) {
            return readDrafts()[keyOf(session)] ?? "";
        },

        // Keeps drafts as they are typed, and when the page is left; tells when a message gets longer
        // than it can be; hands files that are dropped or pasted to `take`: by itself a browser would
        // open them in place of the page.
        watch(take, most) {
            longest = most;
            if (find() && longest) watchLength(find());
            addEventListener("pagehide", () => this.saveDraft());
            addEventListener("input", ({ target }) => target === find() && this.saveDraft());
            const drop = (event) => {
                const isText = event.target.closest?.("textarea, input");
                if (isText && !hasFiles(event.dataTransfer)) return;
                event.preventDefault();
                if (event.type === "drop" && hasFiles(event.dataTransfer)) {
                    take(event.dataTransfer.files);
                }
            };
            addEventListener("dragover", drop, true);
            addEventListener("drop", drop, true);
            addEventListener("paste", ({ clipboardData }) => {
                const isFile = hasFiles(clipboardData) && !clipboardData.getData("text");
                if (isFile) take(clipboardData.files);
            }, true);
        },
    };
})();
