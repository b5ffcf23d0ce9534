"""What is measured of a turn: its times, its chunks, its tokens."""

from dataclasses import dataclass

from google.adk.events import Event


@dataclass
class Figures:
    """What the stream of one answer measured, as the agent's reader saw it."""

    # Seconds from the start of the turn to the first chunk of text; None without one.
    first_token: float | None = None
    # Seconds from the start of the turn to its end, without those in which it waited for a person.
    total: float = 0.0
    chunks: int = 0
    characters: int = 0
    smallest_chunk: int = 0
    largest_chunk: int = 0

    def count(self, text: str, elapsed: float) -> None:
        """Count one chunk, `elapsed` seconds after the start."""
        size = len(text)
        self.first_token = round(elapsed, 3) if self.first_token is None else self.first_token
        self.smallest_chunk = min(self.smallest_chunk or size, size)
        self.largest_chunk = max(self.largest_chunk, size)
        self.chunks += 1
        self.characters += size


@dataclass
class Usage:
    """Tokens, as the model itself reports them, of all its calls in one turn."""

    prompt: int = 0
    answer: int = 0

    def count(self, event: Event) -> None:
        """Add one model call's; a partial's are of the call so far, and come again."""
        if (reported := event.usage_metadata) and not event.partial:
            self.prompt += reported.prompt_token_count or 0
            self.answer += reported.candidates_token_count or 0
            self.answer += reported.thoughts_token_count or 0
