// Until Gradio has loaded, which on a slow phone takes seconds, one types in a box of the page itself
// (early.html). What is typed there goes to Gradio's box as soon as one can type in that. It runs in
// the <body> of the page, below the box.
(() => {
    "use strict";

    const form = document.getElementById("early");
    const typed = form.querySelector("textarea");
    const status = form.querySelector("[role=status]");
    let isSent = false;
    let isComposing = false;

    const send = (event) => {
        event.preventDefault();
        if (!typed.value.trim()) return;
        isSent = typed.readOnly = true;
        status.textContent = typed.dataset.waits;
    };
    form.addEventListener("submit", send);
    typed.addEventListener("keydown", (event) => {
        const isPlain = !event.shiftKey && !event.isComposing && !isComposing;
        if (event.key === "Enter" && isPlain) send(event);
    });

    const handOver = () => {
        const box = document.querySelector("#message textarea");
        // Locked it is until the page shows what there is; and while an answer runs, which may take
        // long, and in place of Send there is Stop.
        const isRunning = box && !document.querySelector("#message .submit-button");
        const isReady = box && (!box.disabled || isRunning);
        if (!isReady || isComposing) return;
        observer.disconnect();
        const { value, selectionStart, selectionEnd } = typed;
        const hadFocus = document.activeElement === typed;
        form.remove();
        const draft = box.value; // What was typed there, and not sent, before the page was reloaded.
        if (value) {
            box.value = draft ? `${draft}\n${value}` : value;
            box.dispatchEvent(new Event("input", { bubbles: true }));
        }
        if (hadFocus) box.focus();
        if (!draft) box.setSelectionRange(selectionStart, selectionEnd);
        const maySend = isSent && !draft && !box.disabled;
        if (maySend) {
            box.dispatchEvent(new KeyboardEvent("keypress", { key: "Enter", bubbles: true }));
        }
    };
    const observer = new MutationObserver(handOver);
    const seen = { childList: true, subtree: true, attributeFilter: ["disabled", "placeholder"] };
    observer.observe(document.body, seen);

    // A keyboard that suggests words is not taken away in the middle of one.
    typed.addEventListener("compositionstart", () => isComposing = true);
    typed.addEventListener("compositionend", () => {
        isComposing = false;
        handOver();
    });

    typed.readOnly = false;
    // On a touch screen that would open the keyboard.
    if (matchMedia("(hover: hover)").matches) typed.focus();
})();
