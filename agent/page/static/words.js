// The page's words in its language. One object, `chatWords`: the other scripts write theirs in
// English, as gettext has it, and `chatConstants` has the translations.
(() => {
    "use strict";

    const { language, direction, words, cookie } = globalThis.chatConstants ??
        { language: "en", direction: "ltr", words: {}, cookie: "" };

    // Seconds for which a choice is kept: a year.
    const KEPT_FOR = 31_536_000;

    // The kinds of numbers for which the language has forms, in the order of its catalogue.
    const rules = new Intl.PluralRules(language);
    const kinds = ["zero", "one", "two", "few", "many", "other"].filter((kind) =>
        rules.resolvedOptions().pluralCategories.includes(kind)
    );
    const formOf = (forms, count) => {
        const kind = rules.select(count);
        if (forms.length === kinds.length) return forms[kinds.indexOf(kind)];
        return kind === "one" ? forms[0] : forms.at(-1);
    };

    // A text with values in the place of its "{names}".
    const filled = (text, values) =>
        text.replace(/\{(\w+)\}/g, (name, key) => key in values ? String(values[key]) : name);

    const number = (count, options = {}) => count.toLocaleString(language, options);

    // Keeps a language that is chosen as a cookie, which tells it to the server, and loads the page
    // anew in it.
    const choose = (chosen) => {
        const path = location.pathname.replace(/[^/]*$/, "");
        // In the frame of another site, as a Space's page is, no other is kept.
        const kind = location.protocol === "https:"
            ? "SameSite=None; Secure; Partitioned"
            : "SameSite=Lax";
        document.cookie = `${cookie}=${chosen}; path=${path}; max-age=${KEPT_FOR}; ${kind}`;
        location.reload();
    };
    globalThis.addEventListener?.("change", ({ target }) => {
        if (target.matches?.("#language select")) choose(target.value);
    });

    globalThis.chatWords = {
        language,
        direction,
        number,

        // Takes the translations that come with a script of static/later (agent/api/later.py).
        add(translations) {
            Object.assign(words, translations);
        },

        _: (english, values = {}) => filled(words[english] ?? english, values),

        ngettext: (singular, plural, count) =>
            filled(formOf(words[singular] ?? [singular, plural], count), { number: number(count) }),
    };
})();
