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

# Google's search suggestions, as they come with an answer
# (https://ai.google.dev/gemini-api/docs/google-search).
SUGGESTIONS = """\
<style>
.container {
  align-items: center; border-radius: 8px; display: flex;
  font-family: Google Sans, Roboto, sans-serif;
  font-size: 14px; line-height: 20px; padding: 8px 12px;
}
.chip {
  display: inline-block; border: solid 1px; border-radius: 16px; min-width: 14px;
  padding: 5px 16px; text-align: center; user-select: none; margin: 0 8px;
}
.carousel { overflow: auto; scrollbar-width: none; white-space: nowrap; margin-right: -12px; }
.headline { display: flex; margin-right: 4px; }
@media (prefers-color-scheme: light) {
  .container { background-color: #fafafa; box-shadow: 0 0 0 1px #0000000f; }
  .chip { background-color: #ffffff; border-color: #d2d2d2; color: #5e5e5e; text-decoration: none; }
}
@media (prefers-color-scheme: dark) {
  .container { background-color: #1f1f1f; box-shadow: 0 0 0 1px #ffffff26; }
  .chip { background-color: #2c2c2c; border-color: #3c4043; color: #fff; text-decoration: none; }
}
</style>
<div class="container">
  <div class="headline">
    <svg class="logo" width="18" height="18" viewBox="9 9 35 35" fill="none"
      xmlns="http://www.w3.org/2000/svg"><circle cx="26" cy="26" r="9" fill="#4285F4" /></svg>
  </div>
  <div class="carousel">
    <a class="chip" href="https://vertexaisearch.cloud.google.com/grounding-api-redirect/AUZ">\
euro 2024 winner</a>
    <a class="chip" href="https://www.google.com/search?q=euro+2024+final">euro 2024 final</a>
  </div>
</div>
"""
