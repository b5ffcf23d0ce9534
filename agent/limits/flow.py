"""How much may come through one socket: a voice needs so much a second, and no more."""

import time

# Bytes of frames in a second, and at once after a rest: a voice at 48 kHz in base64 has 128,000.
BYTES_PER_SECOND, BURST = 200_000, 2_000_000

# Frames in a second: a voice comes in ten to fifty.
FRAMES_PER_SECOND = 100


class Flow:
    """What has come through one socket lately."""

    def __init__(self) -> None:
        self._at = time.monotonic()
        # How much may still come at once.
        self._bytes, self._frames = float(BURST), float(10 * FRAMES_PER_SECOND)

    def take(self, size: int) -> bool:
        """Count a frame of so many bytes; whether it is not too much."""
        now = time.monotonic()
        passed, self._at = now - self._at, now
        self._bytes = min(BURST, self._bytes + passed * BYTES_PER_SECOND) - size
        most = 10 * FRAMES_PER_SECOND
        self._frames = min(most, self._frames + passed * FRAMES_PER_SECOND) - 1
        return self._bytes >= 0 and self._frames >= 0
