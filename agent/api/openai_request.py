"""What clients of OpenAI's API send, made into a `Question`."""

from typing import Annotated, Any, Literal

from fastapi import HTTPException
from google.genai import types
from pydantic import BaseModel, Field

from agent.api.openai_files import ContentPart
from agent.chat.sent_files import to_parts
from agent.core.files import File
from agent.core.question import Options, Question
from agent.core.settings import Settings
from agent.core.text import clean
from agent.limits.rate_limits import LimitExceeded, chat_is_full

# The types of parts that are text, in either of OpenAI's two APIs.
TEXT_TYPES = ("text", "input_text", "output_text")

LAST_MESSAGE = "The last message must be the user's, and may not be empty."


class ChatMessage(BaseModel):
    """One message of the conversation that the client remembers."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None

    def text(self) -> str:
        """All its text."""
        if not isinstance(self.content, list):
            return clean(self.content or "")
        return clean("".join(part.text for part in self.content if part.type in TEXT_TYPES))

    def files(self, settings: Settings) -> list[File]:
        """Its files.

        Raises:
            HTTPException: 400, if one of them cannot be sent here.
        """
        parts = self.content if isinstance(self.content, list) else []
        return [part.sent_file(settings) for part in parts if part.type not in TEXT_TYPES]

    def to_content(self, settings: Settings) -> types.Content:
        """The message as ADK stores it; a client's instruction is stored as its user's words.

        Raises:
            HTTPException: 400, if a file cannot be sent here.
        """
        content = types.ModelContent if self.role == "assistant" else types.UserContent
        words = [types.Part(text=self.text())] if self.text() else []
        return content([*words, *to_parts(self.files(settings))])


class JsonSchema(BaseModel):
    """A form for the answer."""

    schema_: dict[str, Any] = Field(default={}, alias="schema")


class ResponseFormat(BaseModel):
    """Whether the answer is to be text, or JSON, or JSON of some form."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema = JsonSchema(schema={})


class StreamOptions(BaseModel):
    """What else a stream shall hold."""

    include_usage: bool | None = False


Stop = Annotated[str, Field(min_length=1, max_length=200)]


class ChatRequest(BaseModel):
    """OpenAI's request, as far as it is used here; README.md tells what is not."""

    model: str
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = 1
    max_completion_tokens: int | None = Field(default=None, ge=1)
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    seed: int | None = Field(default=None, ge=-(2**31), lt=2**31)
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = None
    response_format: ResponseFormat | None = None

    @property
    def with_usage(self) -> bool:
        """Whether a stream ends with the number of its tokens."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def question(self, settings: Settings) -> Question:
        """The last message as a question, with those before it.

        Raises:
            HTTPException: 400 for messages that cannot be answered.
            LimitExceeded: if there is too much of them.
        """
        check_size(self.messages, settings)
        *earlier, last = self.messages
        files = last.files(settings)
        if last.role != "user" or not (last.text().strip() or files):
            raise HTTPException(400, LAST_MESSAGE)
        # Results of the client's own tools are left out: the answers made of them tell enough.
        spoken = [m for m in earlier if m.role not in ("tool", "function") and m.content]
        # The model is shown no more events than that, and each takes time to store.
        stored = [message.to_content(settings) for message in spoken[-settings.history_events :]]
        contents = [content for content in stored if content.parts]
        return Question(
            last.text(), earlier=contents, options=self._options(), is_checked=True, files=files
        )

    def _options(self) -> Options:
        stops = [self.stop] if isinstance(self.stop, str) else self.stop or []
        form = self.response_format or ResponseFormat()
        return Options(
            max_output_tokens=self.max_completion_tokens or self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            seed=self.seed,
            stop=tuple(stops),
            json_schema=None if form.type == "text" else form.json_schema.schema_,
        )


def check_size(messages: list[ChatMessage], settings: Settings) -> None:
    """Check that all messages together are no longer than a whole chat on the page may be.

    Raises:
        LimitExceeded: if they are longer, or too many.
    """
    turns, longest = settings.max_chat_turns, settings.max_message_length * settings.max_chat_turns
    if turns and sum(message.role == "user" for message in messages) > turns:
        raise chat_is_full(turns)
    length = sum(len(message.text()) for message in messages)
    if longest and length > longest:
        code = "message_too_long" if len(messages) == 1 else "messages_too_long"
        raise LimitExceeded(code, length=length, longest=longest)
