"""An answer that rests on sources, as Gemini names them."""

from typing import Any

FACTS: dict[str, Any] = {
    "webSearchQueries": ["euro 2024 winner"],
    "groundingChunks": [
        {"web": {"uri": "https://www.example.com/euro", "title": "example.com"}},
        {"web": {"uri": "https://www.example.org/final", "title": "example.org"}},
    ],
    "groundingSupports": [
        {
            "segment": {"startIndex": 0, "endIndex": 20, "text": "Spain won Euro 2024."},
            "groundingChunkIndices": [0, 1],
        }
    ],
}

ANSWER = "Spain won Euro 2024. The final was in Berlin."
