"""A limit on the bytes and frames that come through one socket: no more than a voice needs."""

import time

# Bytes of frames in a second, and at once after a rest. A voice of 16 bits at 48 kHz has 128,000 a
# second in base64.
BYTES_PER_SECOND, BURST = 200_000, 2_000_000

# Frames in a second: clients send a voice in ten to fifty.
FRAMES_PER_SECOND = 100


class Flow:
    """What has come through one socket lately."""

    def __init__(self) -> None:
        self._at = time.monotonic()
        # The bytes and frames that may still come at once.
        self._bytes, self._frames = float(BURST), float(10 * FRAMES_PER_SECOND)

    def take(self, size: int) -> bool:
        """Count a frame of `size` bytes; False where that is too much."""
        now = time.monotonic()
        passed, self._at = now - self._at, now
        self._bytes = min(BURST, self._bytes + passed * BYTES_PER_SECOND) - size
        most = 10 * FRAMES_PER_SECOND
        self._frames = min(most, self._frames + passed * FRAMES_PER_SECOND) - 1
        return self._bytes >= 0 and self._frames >= 0
