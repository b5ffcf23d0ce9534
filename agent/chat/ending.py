"""How a run ends, by what its events say; and which words of the answer are in one."""

from google.adk.events import Event

from agent.core.adk_internals import ABORTED
from agent.core.errors import MAX_TOKENS, MAX_TOKENS_BEFORE_WORDS
from agent.core.files import File
from agent.core.transcript import Text, ToolCall, Transcript


class Ending:
    """What is known of the end so far."""

    def __init__(self) -> None:
        # ADK's code for what has kept the latest event from a good end, if anything has.
        self.error_code: str | None = None
        self._tool_is_final = False

    def note(self, event: Event, before: Transcript) -> None:
        """Note what a whole event says of how the turn ends, if it is the last one.

        Args:
            event: The event.
            before: The transcript without it.
        """
        if event.content or event.error_code or event.output is not None:
            code = event.error_code
            if MAX_TOKENS in (code, event.finish_reason):  # No error where nothing is streamed.
                texts = [entry for entry in before if isinstance(entry, Text)]
                said = [text.text for text in texts if text.response_id == event.id]
                has_words = "".join([words_of(event), *said]).strip()
                code = MAX_TOKENS if has_words else MAX_TOKENS_BEFORE_WORDS
            self.error_code = None if code == ABORTED else code
        if event.get_function_calls() or event.get_function_responses():
            self._tool_is_final = event.is_final_response()

    def has_answer(self, latest: Transcript) -> bool:
        """Whether there is something to see; a tool alone counts where ADK calls that final."""
        shown = [e for e in latest if isinstance(e, Text | File | ToolCall)]
        match shown[-1:]:
            case [Text(text=text)]:
                return bool(text.strip())
            case [ToolCall()]:
                return self._tool_is_final
        return bool(shown)


def words_of(event: Event) -> str:
    """The words of the answer in an event, without thoughts."""
    parts = event.content.parts or [] if event.content else []
    return "".join(part.text for part in parts if part.text and not part.thought)


def results_in(entries: Transcript) -> str:
    """What is not words, such as a table, in the texts of these entries."""
    texts = [entry for entry in entries if isinstance(entry, Text)]
    return "".join(text.text for text in texts if text.form != "words")
