"""The model: a fake Gemini in a process of its own, which does as the message says.

A line on its standard input asks when the last one who asked hung up; the answer is a time.
"""

import re
import sys
from math import inf

from tests.bench.stamps import stamp
from tests.support.fake_gemini import FakeGemini, Finish, Hang, Made, Pause, Request, Script, Signed


def message(words: int, apart: int = 0, then: str = "") -> str:
    """What makes the model say so many words, so many milliseconds apart; and then "hang", or sign
    its answer as Gemini 3 does ("sign")."""
    return f"Say {words} words, {apart} ms apart. {then}"


class Model(FakeGemini):
    """Says what it is told to."""

    def _script_for(self, request: Request) -> Script:
        asked = request.last_user_text
        words, apart = map(int, re.findall(r"\d+", asked))
        again = (Pause(apart / 1000), Made(stamp)) if apart else (Made(stamp),)
        signature = [Signed("")] if asked.endswith("sign") else []
        ending = Hang() if asked.endswith("hang") else Finish()
        return Made(stamp), *again * (words - 1), *signature, ending


def main() -> None:
    """Serve until standard input ends."""
    with Model() as model:
        print(f"Running on {model.url}", flush=True)  # noqa: T201
        for _ in sys.stdin:
            last = model.requests[-1]
            last.left.wait(20)
            print(last.left_at or inf, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
