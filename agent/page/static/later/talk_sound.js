// The two ends of a talk's sound, in the thread in which a browser plays: what the microphone hears, as
// 16-bit numbers at 16 kHz, and what the agent says, which comes as such at the context's own rate.

// Hertz, and samples of a piece that is sent: a tenth of a second.
const RATE = 16_000, PIECE = RATE / 10;

// Seconds of the agent's voice that are there before it begins, and again after a gap: pieces come at
// uneven times. Chosen: less is heard as stutter where a line is poor, and more as a pause.
const HELD = 0.1;

registerProcessor(
    "talk-microphone",
    class extends AudioWorkletProcessor {
        constructor() {
            super();
            this.piece = new Int16Array(PIECE);
            // How many samples of the piece are there; and the sum and number of those that make up the
            // next: some browsers do not give a microphone at another rate than its own.
            [this.filled, this.sum, this.count, this.passed] = [0, 0, 0, 0];
        }

        process([[input = []]]) {
            for (const sample of input) {
                this.sum += sample;
                this.count++;
                this.passed += RATE;
                if (this.passed < sampleRate) continue;
                const mean = this.sum / this.count;
                this.piece[this.filled++] = Math.max(-1, Math.min(1, mean)) * 32_767;
                [this.sum, this.count, this.passed] = [0, 0, this.passed - sampleRate];
                if (this.filled < PIECE) continue;
                this.port.postMessage(this.piece.buffer, [this.piece.buffer]);
                [this.piece, this.filled] = [new Int16Array(PIECE), 0];
            }
            return true;
        }
    },
);

registerProcessor(
    "talk-voice",
    class extends AudioWorkletProcessor {
        constructor() {
            super();
            this.isHeard = false; // As far as the page has been told.
            this.clear();
            this.port.onmessage = ({ data }) => {
                if (data === "flush") this.clear();
                else if (data === "end") this.isWhole = true;
                else this.add(new Int16Array(data));
            };
        }

        clear() {
            // The pieces, where in the first one it is, and how many samples there are in all; whether
            // the answer has come to its end, so that what there is, is played.
            [this.pieces, this.at, this.left] = [[], 0, 0];
            [this.isPlaying, this.isWhole] = [false, false];
        }

        add(piece) {
            if (!piece.length) return;
            this.pieces.push(piece);
            this.left += piece.length;
            this.isWhole = false;
        }

        process(_, [[output]]) {
            const isEnough = this.isWhole ? this.left > 0 : this.left >= HELD * sampleRate;
            this.isPlaying ||= isEnough;
            for (let i = 0; this.isPlaying && i < output.length; i++) {
                output[i] = this.pieces[0][this.at++] / 32_768;
                if (this.at === this.pieces[0].length) {
                    this.pieces.shift();
                    this.at = 0;
                }
                this.isPlaying = --this.left > 0;
            }
            if (this.isHeard !== this.isPlaying) this.port.postMessage(this.isPlaying);
            this.isHeard = this.isPlaying;
            return true;
        }
    },
);
