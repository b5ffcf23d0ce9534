// A talk's microphone and loudspeaker, for talk_panel.js: the sound itself is made and taken apart in
// talk_sound.js.

const WORKLET = new URL("talk_sound.js", import.meta.url);

// Without it a loudspeaker's sound would come back as the visitor's own words.
const WANTED = {
    audio: {
        channelCount: 1,
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
    },
};

// As loud as a voice is near a microphone; chosen by ear.
const LOUD = 0.15;

// Where a browser mixes no two rates, talk_sound.js brings the sound to the one that is sent.
const sourceOf = (stream) => {
    const context = new AudioContext({ sampleRate: 16_000 });
    try {
        return context.createMediaStreamSource(stream);
    } catch {
        context.close();
        return new AudioContext().createMediaStreamSource(stream);
    }
};

// How loud a piece is, from 0 to 1.
export const levelOf = (piece) => {
    const samples = new Int16Array(piece);
    const power = samples.reduce((sum, sample) => sum + (sample / 32_768) ** 2, 0);
    return Math.min(1, Math.sqrt(power / samples.length) / LOUD);
};

// The microphone, once the browser lends it: it gives `hear` each tenth of a second, as 16-bit
// numbers at 16 kHz, and calls `lost` when it is gone. Raises the browser's error.
export const openMicrophone = async (hear, lost) => {
    const stream = await navigator.mediaDevices.getUserMedia(WANTED);
    const tracks = stream.getTracks();
    let context = null;
    const close = () => {
        tracks.forEach((track) => track.stop());
        context?.close();
    };
    try {
        const source = sourceOf(stream);
        ({ context } = source);
        await context.audioWorklet.addModule(WORKLET);
        const node = new AudioWorkletNode(context, "talk-microphone");
        node.port.onmessage = ({ data }) => hear(data);
        source.connect(node).connect(context.destination); // Which is silent: it says nothing.
    } catch (error) {
        close();
        throw error;
    }
    tracks[0].onended = lost;
    const setOpen = (isOpen) => tracks.forEach((track) => track.enabled = isOpen);
    return { setOpen, close };
};

// Where the agent's voice goes: a port that takes pieces, "end" after the last one of an answer, and
// "flush". It tells `playing` whether something is heard.
export const openVoice = async (context, playing) => {
    await context.audioWorklet.addModule(WORKLET);
    context.resume();
    const node = new AudioWorkletNode(context, "talk-voice", { outputChannelCount: [1] });
    node.port.onmessage = ({ data }) => playing(data);
    node.connect(context.destination);
    return node.port;
};
