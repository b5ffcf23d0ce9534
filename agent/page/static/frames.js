// What follows the changes of the chat on the page. One object, `chatFrames`, for the other scripts.
(() => {
    "use strict";

    globalThis.chatFrames = {
        // A function that calls `act` in the next frame, once however often it is called until then:
        // an answer that grows changes many times.
        oncePerFrame(act) {
            let isWaiting = false;
            return () => {
                if (isWaiting) return;
                isWaiting = true;
                requestAnimationFrame(() => {
                    isWaiting = false;
                    act();
                });
            };
        },

        // Calls `act` so after each change in this element.
        follow(element, act) {
            const changes = { childList: true, subtree: true };
            new MutationObserver(this.oncePerFrame(act)).observe(element, changes);
        },
    };
})();
