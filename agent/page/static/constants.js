// What the server hands to the scripts: one object, `chatConstants`, which agent/page/browser.py makes.
// It comes as JSON in an element of its own before this script. The element is taken out, so that where
// Gradio's reload mode runs the scripts again on an open page, they find the one that came with them.
(() => {
    "use strict";

    const element = document.getElementById("chat-constants");
    globalThis.chatConstants = JSON.parse(element.textContent);
    element.remove();
})();
