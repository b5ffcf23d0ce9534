// Runs before Gradio does, whose own words are in the language that the browser names. Here it names
// the page's, which the visitor may have chosen.
(() => {
    "use strict";

    const value = document.documentElement.lang;
    if (value) Object.defineProperty(navigator, "language", { value, configurable: true });
})();
