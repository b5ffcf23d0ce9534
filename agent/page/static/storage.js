// What the page does where the browser lets it store nothing. One object, `chatStorage`, for chat.js.
(() => {
    "use strict";

    // Storage in the browser's form that is kept with this window's history entry, and so for as
    // long as its tab is open.
    const storageInHistory = (name) => {
        const kept = new Map(Object.entries(history.state?.[name] ?? {}));
        const keep = () => {
            history.replaceState({ ...history.state, [name]: Object.fromEntries(kept) }, "");
        };
        return {
            get length() {
                return kept.size;
            },
            key: (index) => [...kept.keys()][index] ?? null,
            getItem: (key) => kept.get(String(key)) ?? null,
            setItem(key, value) {
                kept.set(String(key), String(value));
                keep();
            },
            removeItem(key) {
                kept.delete(String(key));
                keep();
            },
            clear() {
                kept.clear();
                keep();
            },
        };
    };

    globalThis.chatStorage = {
        // A browser that blocks what other sites' frames store, as a Space's is one, throws when
        // Gradio reads these properties, and the page would never be drawn. Whether it does.
        replaceBlocked() {
            const isBlocked = (name) => {
                try {
                    globalThis[name].getItem("");
                    return false;
                } catch {
                    return true;
                }
            };
            const blocked = ["localStorage", "sessionStorage"].filter(isBlocked);
            for (const name of blocked) {
                const value = storageInHistory(name);
                Object.defineProperty(globalThis, name, { value, configurable: true });
            }
            return blocked.length > 0;
        },
    };
})();
