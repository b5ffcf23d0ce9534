"""A microphone for Chromium: what it hears is a file; and what a page does with a talk's sound."""

import base64
import math
import struct
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.support.browser import ACTION_TIMEOUT, Page

# Hertz of the tone that the microphone hears, and of the agent's voice.
MICROPHONE_TONE, VOICE_TONE = 500, 220

FAKE_DEVICE = "--use-fake-device-for-media-stream"

# Keeps what comes and goes by the socket, and what the worklet is given; and how loud it was last,
# measured behind the worklet every 10 ms.
TAP = """
window.sent = []; window.came = []; window.given = []; window.told = []; window.loudAt = 0
const Socket = window.WebSocket
window.WebSocket = class extends Socket {
    constructor(...args) {
        super(...args)
        window.socket = this
        this.addEventListener('message', ({data}) => {
            if (typeof data !== 'string') return came.push(new Uint8Array(data.slice(0)))
            told.push([performance.now(), JSON.parse(data)])
        })
    }
    send(data) {
        if (typeof data !== 'string') sent.push(new Uint8Array(data.slice(0)))
        super.send(data)
    }
}
const Node = window.AudioWorkletNode
window.AudioWorkletNode = class extends Node {
    constructor(context, name, options) {
        super(context, name, options)
        if (name !== 'talk-voice') return
        const meter = context.createAnalyser(), wave = new Float32Array(meter.fftSize = 256)
        this.connect(meter)
        setInterval(() => {
            meter.getFloatTimeDomainData(wave)
            if (wave.some(sample => Math.abs(sample) > 0.01)) window.loudAt = performance.now()
        }, 10)
        const post = this.port.postMessage.bind(this.port)
        this.port.postMessage = (data, ...more) => {
            if (typeof data !== 'string') given.push(new Uint8Array(data.slice(0)))
            post(data, ...more)
        }
    }
}
window.packed = name => {
    let text = ''
    for (const piece of window[name]) for (const byte of piece) text += String.fromCharCode(byte)
    return btoa(text)
}
"""


def tone(hertz: int, seconds: float, rate: int) -> bytes:
    """A tone as 16-bit numbers."""
    count = int(seconds * rate)
    wave_of = (9000 * math.sin(2 * math.pi * hertz * i / rate) for i in range(count))
    return b"".join(struct.pack("<h", int(sample)) for sample in wave_of)


def write_tone(path: Path) -> Path:
    """What the microphone hears, again and again: a second of a tone, at most devices' rate."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(tone(MICROPHONE_TONE, 1, 48_000))
    return path


def hertz_of(sound: bytes, rate: int) -> float:
    """Of which pitch a sound is, by how often it passes zero upwards."""
    samples = struct.unpack(f"<{len(sound) // 2}h", sound)
    ups: int = sum(a < 0 <= b for a, b in pairwise(samples))
    return ups * rate / len(samples)


def tapped(page: Page, name: str) -> bytes:
    """What the tap has kept of `sent`, `came` or `given`."""
    return base64.b64decode(page.tab.evaluate(f"packed('{name}')"))


def wait_for(page: Page, condition: str, arg: Any = None) -> None:
    page.tab.wait_for_function(condition, arg=arg, timeout=ACTION_TIMEOUT)
