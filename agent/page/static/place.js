// Where the page is, as its browser knows it, whatever proxies there are. One object, `chatPlace`, for
// Gradio's template. It runs in the <head> of the page, before anything is asked for.
(() => {
    "use strict";

    // Behind a proxy the page may stand at /chat as well as at /chat/. All that it is made of is
    // below the latter.
    const { pathname, search, hash } = location;
    if (!pathname.endsWith("/")) {
        history.replaceState(history.state, "", `${pathname}/${search}${hash}`);
        document.querySelector("base")?.setAttribute("href", "./"); // Taken anew, from there.
    }

    globalThis.chatPlace = {
        // What Gradio tells the page, with this place in place of the one that the server takes for it.
        rooted: (config) => ({ ...config, root: location.origin + location.pathname.slice(0, -1) }),
    };
})();
