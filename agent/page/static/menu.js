// A menu that a button opens. One object, `chatMenu`, for chats.js. By keys as in other menus: the
// arrows go through it, Escape closes it, and the button has the focus again.
(() => {
    "use strict";

    const { make } = chatDialog;

    // The menu that is open, its button, and what ends listening for it; null while none is.
    let menu = null, opener = null, listening = null;

    // Pixels that it keeps from the button, and from the edge of the window.
    const GAP = 4;

    const items = () => [...menu.querySelectorAll("button")];

    const close = () => {
        if (!menu) return;
        const hadFocus = menu.contains(document.activeElement);
        opener.setAttribute("aria-expanded", "false");
        listening.abort();
        menu.remove();
        menu = null;
        if (hadFocus) opener.focus();
    };

    // Below the button, or above it where there is no room.
    const align = () => {
        const button = opener.getBoundingClientRect();
        const { width, height } = menu.getBoundingClientRect();
        const isRoom = button.bottom + GAP + height <= innerHeight;
        const top = isRoom ? button.bottom + GAP : Math.max(GAP, button.top - GAP - height);
        menu.style.top = `${top}px`;
        const isFromRight = getComputedStyle(opener).direction === "rtl";
        const left = isFromRight ? button.left : button.right - width;
        menu.style.left = `${Math.max(GAP, Math.min(left, innerWidth - GAP - width))}px`;
    };

    const item = (entry) => {
        if (entry === null) return make("hr");
        const act = () => {
            close();
            entry.act();
        };
        const button = make("button", {
            ...{ type: "button", tabIndex: -1, textContent: entry.label, onclick: act },
        });
        button.setAttribute("role", "menuitem");
        return button;
    };

    const move = (event) => {
        const all = items(), at = all.indexOf(document.activeElement);
        const next = {
            ArrowDown: (at + 1) % all.length,
            ArrowUp: (at - 1 + all.length) % all.length,
            Home: 0,
            End: all.length - 1,
        }[event.key];
        if (next !== undefined) all[next].focus();
        else if (["Escape", "Tab"].includes(event.key)) close();
        else return;
        // Tab goes on from the button.
        if (event.key !== "Tab") event.preventDefault();
        event.stopPropagation();
    };

    // Whatever is done elsewhere closes it.
    const listen = () => {
        const isElsewhere = ({ target }) => !menu.contains(target) && !opener.contains(target);
        const ends = {
            pointerdown: isElsewhere,
            focusin: isElsewhere,
            scroll: ({ target }) => target.contains(opener), // Which moves away then.
            resize: () => true,
        };
        listening = new AbortController();
        for (const [type, isEnd] of Object.entries(ends)) {
            const about = { capture: true, signal: listening.signal };
            addEventListener(type, (event) => isEnd(event) && close(), about);
        }
    };

    globalThis.chatMenu = {
        // A button that opens a menu, which becomes a child of `place`. `entries` are made when it
        // is opened: each {label, act}, and null for a line between two.
        button(place, entries) {
            const button = make("button", { type: "button", textContent: "…" });
            button.setAttribute("aria-haspopup", "menu");
            button.setAttribute("aria-expanded", "false");
            const open = () => {
                const isOpen = menu !== null && opener === button;
                close();
                if (isOpen) return;
                opener = button;
                menu = make(
                    "div",
                    { className: "menu", popover: "manual" },
                    ...entries().map(item),
                );
                menu.setAttribute("role", "menu");
                menu.setAttribute("aria-label", button.getAttribute("aria-label"));
                menu.addEventListener("keydown", move);
                button.setAttribute("aria-expanded", "true");
                place.append(menu);
                menu.showPopover?.(); // Above all else: nothing cuts it off.
                align();
                items()[0].focus();
                listen();
            };
            button.onclick = open;
            button.onkeydown = (event) => {
                if (event.key !== "ArrowDown") return;
                event.preventDefault();
                open();
            };
            return button;
        },
    };
})();
