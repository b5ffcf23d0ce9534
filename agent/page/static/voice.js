// The voice that the browser itself offers: it reads an answer aloud, and writes down what is said into
// the text box. Where it offers none, there is no button. One object, `chatVoice`, for chat.js.
(() => {
    "use strict";

    const { _, language } = globalThis.chatWords;

    // What this file knows of Gradio 6.31's front end. Where one is missing, nothing is read aloud.
    const ROWS = ".message-row", USER = ".user-row";
    const BUTTONS = ".message-buttons", ICONS = ".icon-button-wrapper";

    const { speechSynthesis } = globalThis;
    const Recognition = globalThis.SpeechRecognition ?? globalThis.webkitSpeechRecognition;

    const SPEAKER = "M4 9v6h4l5 4V5L8 9H4m12.5-1a6 6 0 0 1 0 8M19 5.5a9.5 9.5 0 0 1 0 13";
    const MICROPHONE = "M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3M5 11a7 7 0 0 0 14 0" +
        "m-7 7v3m-3 0h6";
    const WAVES = "M3 10v4m4-8v12m5-15v18m5-15v12m4-8v4";

    // Why nothing is heard, by the codes of the Web Speech API.
    const WHY_NOT = {
        "not-allowed": _(
            "This page may not use the microphone. Allow it in your browser, and try again.",
        ),
        "audio-capture": _("No microphone was found. Connect one, and try again."),
        "network": _("Your browser could not reach the service that writes down speech."),
        "no-speech": _("Nothing was heard. Try again, or type."),
    };
    WHY_NOT["service-not-allowed"] = WHY_NOT["not-allowed"];
    // The sound may leave the visitor's device, but for none of this app's servers.
    const LISTENING = _(
        "Your browser is listening. It may send the sound to a service of its maker.",
    );

    const WHY_ELSE = _("Your browser cannot write down speech now. Please type.");

    const show = (button, name, isOn) => {
        button.title = name;
        button.setAttribute("aria-label", name);
        button.classList.toggle("is-on", isOn);
    };

    const button = (properties, drawing) => {
        const made = chatDialog.make("button", { type: "button", ...properties });
        made.append(chatDialog.icon(drawing));
        return made;
    };

    // Reading aloud.

    // {row}: the answer that is read, as the element that shows it; null for none.
    let reading = null;

    // The log whose answers can be read.
    let log = null;

    // Programs and tables are for the eye.
    const UNSPOKEN = "pre, table, .mermaid";

    const textOf = (words) => {
        const said = words.map((part) => {
            const copy = part.cloneNode(true);
            copy.querySelectorAll(UNSPOKEN).forEach((element) => element.remove());
            return chatCopying.textOf(copy);
        });
        return said.join("\n");
    };

    // Chrome falls silent within a text that takes it more than 15 seconds.
    const sentencesOf = (text) =>
        [...new Intl.Segmenter(language, { granularity: "sentence" }).segment(text)]
            .map(({ segment }) => segment.trim()).filter((sentence) =>
                /[\p{L}\p{N}]/u.test(sentence)
            );

    const stopReading = () => {
        reading = null;
        speechSynthesis.cancel();
        draw();
    };

    const read = (row, words) => {
        stopReading();
        const sentences = sentencesOf(textOf(words));
        if (sentences.length === 0) return;
        const mine = reading = { row };
        const utterances = sentences.map((sentence) => new SpeechSynthesisUtterance(sentence));
        const end = () => reading === mine && stopReading();
        for (const utterance of utterances) {
            utterance.lang = language;
            utterance.onerror = end;
            speechSynthesis.speak(utterance);
        }
        utterances.at(-1).onend = end;
        draw();
    };

    const addRead = (place, row) => {
        const made = button({ className: "icon-button read-aloud" }, SPEAKER);
        made.onclick = () => {
            if (reading?.row === row) return stopReading();
            const index = [...log.querySelectorAll(ROWS)].indexOf(row);
            const messages = chatCopying.groups(globalThis.chat.state.page)[index];
            if (messages) read(row, chatCopying.wordsIn(row, messages));
        };
        (place.querySelector(ICONS) ?? place).append(made);
        return made;
    };

    // Puts the button below each answer, and shows which one is read.
    const draw = () => {
        if (reading?.row.isConnected === false) stopReading();
        if (speechSynthesis.getVoices().length === 0) return;
        for (const place of log.querySelectorAll(BUTTONS)) {
            const row = place.previousElementSibling;
            if (!row?.matches(ROWS) || row.matches(USER)) continue;
            const there = place.querySelector(".read-aloud") ?? addRead(place, row);
            const isRead = reading?.row === row;
            show(there, isRead ? _("Stop reading") : _("Read aloud"), isRead);
        }
    };

    // Dictating.

    // What listens now; null for nothing.
    let listening = null;

    const listen = (box, dictate) => {
        const before = box.value.trimEnd();
        const recognition = listening = new Recognition();
        let said = LISTENING;
        recognition.lang = language;
        recognition.interimResults = true;
        // On a phone Chrome repeats words in what goes on after a pause.
        recognition.continuous = matchMedia("(hover: hover)").matches;
        recognition.onresult = ({ results }) => {
            if (listening !== recognition || box.disabled) return;
            const heard = [...results].map(([best]) => best.transcript.trim());
            box.value = [before, ...heard].filter(Boolean).join(" ");
            box.dispatchEvent(new Event("input", { bubbles: true }));
        };
        recognition.onerror = ({ error }) => {
            if (error !== "aborted") chatBox.tell(said = WHY_NOT[error] ?? WHY_ELSE);
        };
        recognition.onend = () => {
            if (listening !== recognition) return;
            listening = null;
            show(dictate, _("Dictate"), false);
            if (said === LISTENING) chatBox.tell("");
        };
        recognition.start();
        show(dictate, _("Stop dictating"), true);
        chatBox.tell(said);
        box.focus();
    };

    const addDictate = (box) => {
        const dictate = button({ id: "dictate" }, MICROPHONE);
        show(dictate, _("Dictate"), false);
        dictate.onclick = () => {
            if (listening) listening.stop();
            else if (!box.disabled) listen(box, dictate);
        };
        // Who goes on by hand has said enough.
        box.addEventListener("input", ({ isTrusted }) => isTrusted && listening?.abort());
        document.getElementById("message").prepend(dictate);
    };

    // Talks: what holds one is loaded when somebody first wants to.

    let tellPage = null, panel = null;

    const addTalk = (box) => {
        const talk = button({ id: "talk" }, WAVES);
        show(talk, _("Talk"), false);
        talk.onclick = async () => {
            chatVoice.hush();
            // Safari allows sound only in what a click does itself.
            const sound = globalThis.AudioContext && new AudioContext({ sampleRate: 24_000 });
            panel ??= import(`${globalThis.chat.pageUrl()}later/talk_panel.js`);
            await panel.then(() => chatTalk.press(talk, sound, tellPage), () => {
                panel = null;
                chatBox.tell(_("The talk could not begin. Please press Talk once more."));
            });
        };
        box.after(talk);
    };

    globalThis.chatVoice = {
        // Takes what tells the page of a talk, where talks are offered; and the ticket for one.
        offerTalk: (trigger) => tellPage = trigger,
        takeTicket: (reply) => reply && chatTalk.take(reply.ticket),

        // Called when all components are there.
        watch(where, box) {
            if (Recognition && box) addDictate(box);
            if (tellPage && box) addTalk(box);
            if (!speechSynthesis || !where) return;
            log = where;
            chatFrames.follow(log, draw);
            // Some browsers know their voices only later.
            speechSynthesis.addEventListener?.("voiceschanged", draw);
            addEventListener("pagehide", () => speechSynthesis.cancel());
        },

        // A message is sent, or another chat comes: what is heard from now on is not for it.
        hush() {
            listening?.abort();
            if (reading) stopReading();
        },
    };
})();
