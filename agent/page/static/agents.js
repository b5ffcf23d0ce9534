// Which of several agents is on the page: its address says so. One object, `chatAgents`, for chat.js.
(() => {
    "use strict";

    const query = () => new URLSearchParams(location.search);

    // The page's address with this agent.
    const addressOf = (agent) => {
        const url = new URL(location.href);
        url.searchParams.set("agent", agent);
        return url;
    };

    // The origin of the page in whose frame a Space stands; "" elsewhere.
    let outside = "";

    // Has the outer page's address say so, too: Hugging Face's page hears this message
    // (https://huggingface.co/docs/hub/spaces-handle-url-parameters). What it has put into the inner
    // address itself, such as the token of a private Space, begins with "__" and stays here.
    const tellOutside = () => {
        if (!outside || parent === globalThis) return;
        const own = [...query()].filter(([name]) => !name.startsWith("__"));
        parent.postMessage({ queryString: new URLSearchParams(own).toString() }, outside);
    };

    // The look of this agent: the page may have come with the first one's (head.html).
    const showLook = (agent) => {
        for (const link of document.querySelectorAll('link[href^="./look/"]')) {
            const before = link.getAttribute("href");
            const own = `./look/${encodeURIComponent(agent)}/${before.split("/").at(-1)}`;
            if (own !== before) link.setAttribute("href", own);
        }
    };

    globalThis.chatAgents = {
        // Takes that origin.
        start(given) {
            outside = given;
        },

        // The one that the address names; null where it names none.
        named: () => query().get("agent"),

        // Says in the address, and in the page's title, which agent is on the page.
        remember(agent) {
            history.replaceState(history.state, "", addressOf(agent));
            document.title = document.querySelector("h1")?.innerText ?? document.title;
            showLook(agent);
            tellOutside();
        },

        // Goes to another agent, whose chats are others.
        choose(agent) {
            const url = addressOf(agent);
            url.searchParams.delete("chat");
            location.assign(url);
        },
    };
})();
