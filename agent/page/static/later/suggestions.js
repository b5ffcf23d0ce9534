// Google's search suggestions as Google gives them, in place of plain links to the same: in a frame
// in which nothing runs (agent/render/suggestions.py). Loaded by text.js when the first ones come.

globalThis.chatWords.add({/* translations */});

const frame = (source) => {
    const bytes = Uint8Array.from(atob(source), (char) => char.charCodeAt(0));
    const made = document.createElement("iframe");
    made.className = "suggestions";
    made.title = globalThis.chatWords._("Search suggestions by Google");
    made.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
    made.srcdoc = new TextDecoder().decode(bytes);
    globalThis.chatText.own.add(made);
    return made;
};

// Draws those that this link holds.
export const draw = (link) => {
    const place = link.closest("p") ?? link;
    place.replaceChildren(frame(link.getAttribute("href").slice(1)));
};
