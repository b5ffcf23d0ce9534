// A talk on the page: the strip above the text box, the microphone, the agent's voice, and the socket
// that carries both (agent/api/page_talk.py). Loaded when somebody first presses Talk (voice.js). One
// object, `chatTalk`.
//
// What is said stands in the chat as it grows: the page is told when a talk has begun and ended
// (agent/page/talks.py). What is typed meanwhile goes to the agent at once.
import { levelOf, openMicrophone, openVoice } from "./talk_devices.js";

(() => {
    "use strict";

    globalThis.chatWords.add({/* translations */});
    const { _ } = globalThis.chatWords;

    const { make } = chatDialog;

    const address = (part) => new URL(part, globalThis.chat.pageUrl());

    // Why nothing is heard, by the names of the browser's errors.
    const WHY_NOT = {
        NotAllowedError: _(
            "This page may not use the microphone. Allow it in your browser, and try again.",
        ),
        NotFoundError: _("No microphone was found. Connect one, and try again."),
    };
    const WHY_ELSE = _("Your microphone cannot be used now. Another program may have it.");
    const NO_SECURE_PAGE = _(
        "A browser lends its microphone only to pages whose address begins with https://.",
    );
    const TYPE = _("You can type: it reaches the agent at once.");
    const ASKED = _("Allow the microphone in your browser, or type.");
    const CONNECTING = _("Connecting to the agent…");
    const HEARS = _("The agent hears you. Speak, or type.");
    const MUTED = matchMedia("(hover: hover)").matches
        ? _("Your microphone is off. To speak, hold the button or the space bar.")
        : _("Your microphone is off. To speak, hold the button.");
    const HEARS_NOBODY = _("Your voice is not heard in this talk: please type.");
    const NOT_BEGUN = _("The talk could not begin. Please press Talk once more.");
    const LINE_LOST = _(
        "The connection to this page's server was lost, so the talk is over. What was said is kept: " +
            "press Talk to go on.",
    );
    const NO_FILES = _("Files are not sent in a talk. They stay here for your next message.");

    // Milliseconds after which the browser is taken to ask about the microphone; and in which there
    // must be a ticket.
    const ASKING_TIME = 1000;
    const TICKET_TIMEOUT = 20_000;

    // The talk that runs; null for none.
    let talk = null;

    // Whether the microphone was off when the last talk ended: the next one begins so.
    let isMuted = false;

    const style = () => {
        const link = make("link", { rel: "stylesheet", href: address("later/talk.css") });
        document.head.append(link);
        return new Promise((loaded) => link.onload = link.onerror = loaded);
    };
    const styled = style();

    // The strip.

    const button = (className, textContent, onclick) =>
        make("button", { type: "button", className, textContent, onclick });

    const draw = () => {
        const level = make("span", { className: "talk-level", ariaHidden: "true" });
        const said = make("p", { className: "talk-state" });
        said.setAttribute("role", "status");
        const hold = button("talk-hold", _("Hold to talk"));
        const mute = button("talk-mute", "", () => {
            if (talk.microphone) setMuted(!isMuted);
            else listen();
        });
        const leave = button("talk-end", _("End talk"), end);
        hold.hidden = mute.hidden = true;
        const strip = make(
            "section",
            { id: "talk-strip", tabIndex: -1 },
            level,
            said,
            make("p", { className: "talk-buttons" }, hold, mute, leave),
        );
        strip.setAttribute("aria-label", _("Talk"));
        hold.onpointerdown = ({ pointerId }) => {
            hold.setPointerCapture(pointerId);
            setHeld(true);
        };
        hold.onpointerup = hold.onpointercancel = hold.onblur = () => setHeld(false);
        hold.oncontextmenu = () => false; // By which a long press on a phone is answered.
        return { strip, level, said, hold, mute };
    };

    // What a screen reader is told and nobody sees: an answer that has no voice, and why a talk is
    // over. It is taken away again, as in accessibility.js.
    const spoken = make("div", { className: "spoken" });
    spoken.setAttribute("role", "status");
    document.body.append(spoken);
    const speak = (text) => {
        spoken.textContent = text;
        setTimeout(() => spoken.textContent = "", 3000);
    };

    const tell = (...sentences) => talk.parts.said.textContent = sentences.join(" ");

    // Shows what the microphone is at.
    const show = () => {
        const { hold, mute, strip } = talk.parts;
        const isThere = talk.microphone !== null;
        hold.hidden = !(isThere && isMuted);
        mute.hidden = !talk.hears || !navigator.mediaDevices;
        if (!isThere) mute.textContent = _("Use the microphone");
        else mute.textContent = isMuted ? _("Unmute") : _("Mute");
        strip.classList.toggle("is-open", isOpen());
        hold.classList.toggle("is-on", talk.isHeld);
    };

    // The microphone.

    const isOpen = () => talk.microphone !== null && (talk.isHeld || !isMuted);

    // Whoever is silent now has said what they wanted: the model need not wait for more.
    const change = (act) => {
        const wasOpen = isOpen();
        act();
        talk.microphone.setOpen(isOpen());
        if (wasOpen && !isOpen()) send({ audio_stream_end: true });
        show();
    };

    const setMuted = (isOff) => {
        change(() => isMuted = isOff);
        tell(isMuted ? MUTED : HEARS);
    };

    const setHeld = (isHeld) => {
        if (!talk?.microphone || talk.isHeld === isHeld) return;
        if (isHeld) hush();
        change(() => talk.isHeld = isHeld);
    };

    // It was unplugged, or its permission is taken back.
    const lost = (mine) => {
        if (talk !== mine) return;
        mine.microphone = null;
        mine.isHeld = false;
        send({ audio_stream_end: true });
        show();
        tell(WHY_NOT.NotFoundError, TYPE);
    };

    const hear = (mine, piece) => {
        if (talk !== mine || !isOpen()) return;
        mine.parts.level.style.setProperty("--level", levelOf(piece).toFixed(2));
        if (mine.socket.readyState === WebSocket.OPEN) mine.socket.send(piece);
    };

    const listen = async () => {
        const mine = talk;
        if (!navigator.mediaDevices) return tell(NO_SECURE_PAGE, TYPE);
        // Where the browser asks nobody, there is nothing to say.
        const timer = setTimeout(() => talk === mine && tell(ASKED), ASKING_TIME);
        let found;
        try {
            found = await openMicrophone((piece) => hear(mine, piece), () => lost(mine));
        } catch ({ name }) {
            if (talk === mine) tell(WHY_NOT[name] ?? WHY_ELSE, TYPE);
            return;
        } finally {
            clearTimeout(timer);
        }
        if (talk !== mine) return found.close();
        mine.close.push(found.close);
        mine.microphone = found;
        setMuted(isMuted);
    };

    // The agent's voice.

    const showVoice = (isHeard) => talk?.parts.strip.classList.toggle("is-speaking", isHeard);

    // Nothing more of what is being said is heard.
    const hush = () => {
        talk.voice?.postMessage("flush");
        talk.isCut = talk.isAnswering;
    };

    const play = (sound) => {
        talk.isAnswering = talk.hasSpoken = true;
        if (!talk.isCut) talk.voice?.postMessage(sound, [sound]);
    };

    // The socket.

    const send = (request) => {
        const text = JSON.stringify(request);
        if (talk.socket?.readyState === WebSocket.OPEN) talk.socket.send(text);
        else talk.waiting.push(text);
    };

    // Who speaks touches no screen, and a phone that sleeps ends the talk.
    const keepAwake = async (mine) => {
        const lock = await navigator.wakeLock?.request("screen").catch(() => null);
        if (talk === mine) mine.close.push(() => lock?.release());
        else lock?.release();
    };

    const opened = ({ hears }) => {
        talk.hears = hears;
        talk.hasBegun = true;
        talk.tellPage("begun");
        show();
        if (!hears) return tell(HEARS_NOBODY);
        listen();
        keepAwake(talk);
    };

    const wordsOf = ({ parts = [] }) =>
        parts.map(({ text, thought }) => thought ? "" : text ?? "").join("");

    const endAnswer = () => {
        if (!talk.hasSpoken && talk.words) speak(talk.words);
        talk.isAnswering = talk.isCut = talk.hasSpoken = false;
        talk.words = "";
    };

    const take = (event) => {
        if (event.line) return opened(event.line);
        if (event.errorMessage) return refused(event);
        if (event.content && event.author !== "user") {
            talk.typed = "";
            if (!event.partial) talk.words += wordsOf(event.content);
        }
        if (event.interrupted) talk.voice?.postMessage("flush");
        if (event.interrupted || event.turnComplete) endAnswer();
        if (event.turnComplete) talk.voice?.postMessage("end");
    };

    // Something is not taken, or the talk is over; words that have gone for nothing come back.
    const refused = ({ errorCode, errorMessage }) => {
        talk.why = { errorCode, errorMessage };
        // What the visitor has wanted stands in the chat, and is only said.
        if (errorCode === "talk_over") speak(errorMessage);
        else chatBox.tell(errorMessage);
        const box = chatBox.find();
        if (!talk.typed || box.value || errorCode === "talk_over") return;
        box.value = talk.typed;
        box.dispatchEvent(new Event("input", { bubbles: true }));
        talk.typed = "";
    };

    const connect = (mine, ticket) => {
        const place = address("talk");
        place.protocol = place.protocol.replace("http", "ws");
        const socket = mine.socket = new WebSocket(place);
        socket.binaryType = "arraybuffer";
        socket.onopen = () => {
            const { key } = chatSettings.withChoices({})[0];
            socket.send(JSON.stringify(key ? { ticket, key } : { ticket }));
            mine.waiting.forEach((text) => socket.send(text));
        };
        socket.onmessage = ({ data }) => {
            const event = typeof data === "string" ? JSON.parse(data) : null;
            if (talk !== mine) return event?.errorMessage && speak(event.errorMessage);
            if (event) take(event);
            else play(data);
        };
        socket.onclose = () => {
            if (talk === mine) {
                if (!mine.why) chatBox.tell(mine.hasBegun ? LINE_LOST : NOT_BEGUN);
                close();
            }
            if (mine.hasBegun) mine.tellPage("ended");
        };
    };

    // Begin and end.

    const begin = async (opener, sound, trigger) => {
        const mine = talk = {
            ...{ opener, socket: null, voice: null, microphone: null, hears: false, isHeld: false },
            // Whether an answer is on its way; whether its sound is cut off, and has come at all; its
            // words as far as they are whole.
            ...{ isAnswering: false, isCut: false, hasSpoken: false, words: "" },
            // What was typed last and may not have been taken; why something was not.
            ...{ typed: "", why: null, hasBegun: false, waiting: [] },
            close: [() => sound?.close()],
            tellPage: (kind) => trigger("submit", { kind }),
        };
        await styled;
        if (talk !== mine) return;
        mine.parts = draw();
        chatBox.frame()?.before(mine.parts.strip);
        opener.setAttribute("aria-pressed", "true");
        opener.classList.add("is-on");
        document.body.classList.add("is-talking");
        chatBox.tell("");
        tell(CONNECTING);
        mine.parts.strip.focus({ preventScroll: true });
        mine.timer = setTimeout(() => {
            if (talk !== mine) return;
            chatBox.tell(NOT_BEGUN);
            close();
        }, TICKET_TIMEOUT);
        await chatArrival.send({}); // Until then the server does not know the page.
        if (talk !== mine) return;
        mine.tellPage("ticket");
        if (sound?.audioWorklet) mine.voice = await openVoice(sound, showVoice).catch(() => null);
    };

    const close = () => {
        const { parts, opener, timer } = talk;
        const { activeElement, body } = document;
        const isLost = activeElement === body || parts?.strip.contains(activeElement);
        clearTimeout(timer);
        talk.close.forEach((act) => act());
        talk = null;
        parts?.strip.remove();
        opener.setAttribute("aria-pressed", "false");
        opener.classList.remove("is-on");
        document.body.classList.remove("is-talking");
        if (isLost) opener.focus({ preventScroll: true });
    };

    const end = () => {
        const { socket } = talk;
        if (socket?.readyState === WebSocket.OPEN) socket.send('{"close": true}');
        else socket?.close();
        close();
    };

    // What is typed, and what else the page does while a talk runs.

    const SAME = { __type__: "update" };

    const say = (text) => {
        if (!text.trim()) return [SAME, SAME];
        talk.typed = text;
        hush();
        send({ content: { parts: [{ text }] } });
        chatBox.saveDraft("");
        chatBox.tell(chatFiles.any ? NO_FILES : "");
        return [SAME, { ...SAME, value: "" }];
    };

    const { ask, leaveChat } = globalThis.chat;
    Object.assign(globalThis.chat, {
        ask: (text, ...others) => talk ? say(text) : ask(text, ...others),
        leaveChat(...inputs) {
            if (talk) end();
            return leaveChat(...inputs);
        },
    });

    // Keys: Escape ends the talk, and the space bar opens the microphone as long as it is held, where
    // it does nothing else.
    const OTHERS = "input, textarea, select, button, summary, a, [contenteditable], [role=button]";
    const ON_TOP = "dialog[open], [role=menu], .chat-name, .edit-textarea";

    const isForMicrophone = (target) => target === talk.parts.hold || !target.closest?.(OTHERS);

    const onKey = (event) => {
        if (!talk?.parts || event.defaultPrevented || event.isComposing) return;
        const { key, type, target } = event;
        if (key === "Escape" && type === "keydown" && !document.querySelector(ON_TOP)) {
            end();
            event.preventDefault();
        }
        const isSpace = key === " " || (key === "Enter" && target === talk?.parts.hold);
        if (isSpace && isMuted && talk.microphone && isForMicrophone(target)) {
            setHeld(type === "keydown");
            event.preventDefault();
        }
    };
    addEventListener("keydown", onKey, true);
    addEventListener("keyup", onKey, true);
    addEventListener("pagehide", () => talk?.socket?.close());

    globalThis.chatTalk = {
        // The button is pressed: a talk begins, or ends. With the context that plays its sound, and
        // what tells the page of it.
        press(opener, sound, trigger) {
            if (!talk) return begin(opener, sound, trigger);
            sound?.close();
            end();
        },

        // Takes the ticket for the talk that is to begin.
        take(ticket) {
            if (!talk || talk.socket) return;
            clearTimeout(talk.timer);
            connect(talk, ticket);
        },
    };
})();
