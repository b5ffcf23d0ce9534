// Messages as Gradio's Chatbot has them. One object, `chatMessages`: chat.js hands it its constants.
//
// None of these forms is documented, and none has a substitute: if Gradio 6.31's changes, tests/page
// fails at once.
(() => {
    "use strict";

    // What `start` is given.
    let constants = {};

    const textOfPart = (part) => typeof part === "string" ? part : part.text ?? "";
    const textOfParts = (parts) => parts.map(textOfPart).join("");

    // Of a visitor's message, the files stand behind the mark (agent/render/messages.py).
    const isFiles = (part) => textOfPart(part).startsWith(constants.mark);

    // The text of a message: its content is a text, or parts, some of which are texts.
    const textOf = ({ role, content }) =>
        textOfParts([content].flat().filter((part) => role !== "user" || !isFiles(part)));

    globalThis.chatMessages = {
        textOf,

        start(given) {
            constants = given;
        },

        // A message as the Chatbot takes it, which must have all of these keys.
        toMessage: ({ content, ...message }) => (
            { metadata: null, options: null, ...message, content: [content].flat() }
        ),

        filesOf: ({ content }) =>
            textOfParts([content].flat().filter(isFiles)).replace(constants.mark, ""),

        // Where the questions are on the page.
        questionIndices: (page) =>
            page.flatMap(({ role }, index) => role === "user" ? [index] : []),

        // A visitor's tags are shown as they were typed: "<" and a word joiner begin no HTML tag,
        // and the joiner is invisible (`to_question` in agent/render/messages.py does the same).
        showable: (text) =>
            text.replaceAll(constants.mark, "")
                .replace(/<(?=[a-z/!?])/gi, "<" + constants.wordJoiner),
        typed: (message) => textOf(message).replaceAll("<" + constants.wordJoiner, "<"),
    };
})();
