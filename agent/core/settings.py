"""What a host may set, checked, each with a default."""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from agent.core import setting_words
from agent.core.file_types import GROUPS
from agent.core.language import ACCENTED, ENGLISH, LANGUAGES
from agent.core.text import split_words

# No setting is larger: clocks, SQLite and Gemini do not count on for ever. As a time, it is 158
# years.
LARGEST = 5_000_000_000

# What visitors may be let choose, by the names in `VISITOR_SETTINGS`.
CHOICES = ("model", "temperature", "max_output_tokens", "thinking", "streaming", "instruction")


class Settings(BaseModel):
    """Every time is in seconds. The environment variable is the field's name in capitals.

    A limit of 0 is none. The defaults suit a small public Space. The descriptions stand in
    `.env.example`, in the order of the fields.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    # How much a question and its answer may cost.
    max_message_length: int = Field(default=4000, ge=0, description="characters in a message")
    max_chat_turns: int = Field(default=50, ge=0, description="turns in a conversation")
    # As many calls as ADK itself allows: what runs by its tools runs here; the time of a turn and
    # the day's tokens bound what it costs.
    max_llm_calls: int = Field(
        default=500, ge=0, description="model calls in a turn, those of all its agents together"
    )
    max_output_tokens: int = Field(
        default=4096,
        ge=0,
        description="tokens that a model call may give, beside those of its thoughts",
    )

    # How much one visitor, or one network address, may ask.
    visitor_per_minute: int = Field(
        default=10, ge=0, description="messages of one visitor in a minute"
    )
    visitor_per_day: int = Field(default=100, ge=0, description="… in 24 hours")
    address_per_minute: int = Field(
        default=30,
        ge=0,
        description="messages from one network address in a minute, where others can reach the "
        "page",
    )
    address_per_day: int = Field(default=300, ge=0, description="… in 24 hours")
    address_running: int = Field(
        default=5, ge=0, description="answers that run at once for one address"
    )
    address_connections: int = Field(
        default=100,
        ge=0,
        description="connections that one address has open at once; a page has two or three",
    )

    # Which files visitors may send, and how large.
    file_types: Annotated[str, setting_words.TYPES_OF_FILES] = Field(
        default="image pdf audio video text",
        description="the files that a visitor may send: any of image, pdf, audio, video and text, "
        "or types such as `image/gif`; `none` takes no files",
    )
    max_file_size: float = Field(
        default=10, ge=0, le=14, description="megabytes in a file that a visitor sends"
    )
    visitor_uploads_per_day: int = Field(
        default=100, ge=0, description="megabytes of files from one visitor in 24 hours"
    )
    address_uploads_per_day: int = Field(
        default=300,
        ge=0,
        description="… from one network address, where others can reach the page",
    )
    daily_uploads: int = Field(
        default=1_000, ge=0, description="… from everybody; they are on the disk for a day"
    )

    # How much all together may spend. Tokens are counted after each model call. A Redis's address
    # may hold a password.
    daily_turns: int = Field(
        default=500,
        ge=0,
        description="turns on your key in 24 hours; then the offline model answers, and says so",
    )
    daily_tokens: int = Field(default=2_000_000, ge=0, description="tokens on your key in 24 hours")
    demo_paused: bool = Field(
        default=False, description="1: the offline model answers, and nothing is spent"
    )
    limits_store: SecretStr | None = Field(
        default=None,
        description="`redis://…` where several replicas share these counts "
        '(`pip install "limits[redis]"`)',
    )

    # Where conversations are kept, and for how long. The URIs are those that ADK knows
    # (adk/cli/service_registry.py); a database's may hold a password.
    session_db: SecretStr | None = Field(
        default=None,
        description="where conversations are kept: without one in `.adk/session.db` beside the "
        "agent, but on a Space with persistent storage in `/data/session.db`; or "
        "`sqlite:///FILE`, or `memory://`, or `postgresql+asyncpg://…` "
        '(`pip install "google-adk[db]" asyncpg`), or `agentengine://…`',
    )
    artifacts: str | None = Field(
        default=None,
        description="where the files that an agent makes are kept: `file:///FOLDER` or "
        "`gs://BUCKET`; without one in `.adk/artifacts` beside the agent, but in memory where "
        "SESSION_DB is memory or a database, and on a Space with persistent storage in "
        "`/data/artifacts`",
    )
    memory_service: SecretStr | None = Field(
        default=None,
        description="where an agent keeps what it remembers beyond a chat (ADK's memory): without "
        "one in memory, until the app ends; or `sqlite:///FILE`; or `agentengine://…` or "
        "`rag://…`, where nothing is deleted with a chat, and the page says so",
    )
    session_idle: float = Field(
        default=7 * 86_400,
        gt=0,
        description="how long a conversation is kept after its last message",
    )
    reply_timeout: float = Field(
        default=0,
        ge=0,
        description="how long what the agent asks can be answered; 0: as long as it is kept",
    )
    max_conversations: int = Field(
        default=1000,
        ge=0,
        description="conversations that are kept with an agent; those of whoever has most make "
        "room",
    )

    # How long an answer may take.
    first_token_timeout: float = Field(
        default=30, gt=0, description="how long a model may take for the first sign of an answer"
    )
    gap_timeout: float = Field(
        default=30,
        gt=0,
        description="how long a model may say nothing while it answers; for what an agent does "
        "itself (tools, nodes) there is only the next limit",
    )
    turn_timeout: float = Field(
        default=120, gt=0, description="how long one answer may take in all"
    )
    leave_grace: float = Field(
        default=120,
        ge=0,
        description="how long an answer runs on when nobody looks at it any more, as on a locked "
        "phone",
    )
    shutdown_timeout: float = Field(
        default=8,
        gt=0,
        description="how long the app may take to end when it is told to; questions and what was "
        "said are stored then (Docker and Cloud Run kill it after 10)",
    )
    request_retries: int = Field(
        default=2,
        ge=0,
        le=10,
        description="how often a failing Gemini is asked again before its first word",
    )
    # Not by default: programs take its words for the agent's, and so would who asked something that
    # matters; an error says what has happened, and what to do.
    offline_fallback: bool = Field(
        default=False,
        description="1: the offline model answers, and says so, where the AI cannot be reached",
    )

    # How it comes. What a question says of itself comes before this.
    streaming: Literal["sse", "none"] = Field(
        default="sse",
        description="`none`: a model gives its answer whole instead of in pieces, and only "
        "TURN_TIMEOUT bounds how long it may take (ADK's StreamingMode)",
    )

    # Talks: both sides speak at any time (ADK's BIDI). Each second of one may cost something.
    live: bool = Field(default=True, description="0: nobody can talk to the agent (ADK's BIDI)")
    live_model: str | None = Field(
        default=None,
        description="the Gemini that holds talks, such as `gemini-live-2.5-flash-native-audio`; "
        "without one the agent's own model, if it can, and else by typed words alone",
    )
    talk_timeout: float = Field(default=600, ge=0, description="how long a talk may last")
    talk_silence: float = Field(default=120, ge=0, description="… without a word of anybody's")
    max_talks: int = Field(default=10, ge=0, description="talks at once, of all visitors together")

    # How much is done at once, and shown to the model. The events are cut between turns, never
    # inside one; the threads are for all visitors together.
    history_events: int = Field(
        default=100,
        gt=0,
        description="how much of a long conversation the model is shown, in ADK events",
    )
    tool_threads: int = Field(
        default=8,
        gt=0,
        le=256,
        description="how many ordinary (not async) tools run at once; half of them for one visitor",
    )
    page_threads: int = Field(
        default=200, gt=0, le=10_000, description="how many answers stream at once"
    )

    # What is told below an answer. Prices are those of one model.
    show_figures: bool = Field(
        default=True,
        description="1: below each answer stand its seconds, its tokens and its model",
    )
    input_price: float = Field(
        default=0,
        ge=0,
        description="what a million tokens cost that the model reads; then what it has cost stands "
        "there, too",
    )
    output_price: float = Field(
        default=0, ge=0, description="… that the model writes, its thoughts among them"
    )
    currency: str | None = Field(
        default=None,
        max_length=5,
        description="in which currency, as it stands before an amount; without one `$`",
    )

    # What visitors may choose themselves.
    visitor_settings: Annotated[str, setting_words.words_among(*CHOICES, "none")] = Field(
        default="temperature max_output_tokens streaming",
        description="what visitors can set on the page for their next messages: any of model, "
        "temperature, max_output_tokens, thinking, streaming, and instruction, which shows the "
        "agent's instruction; `none` of them. Models and thinking may cost more",
    )
    models: str = Field(
        default="",
        description="the models that they can choose, such as `gemini-3.5-flash`, where the agent "
        "names its own by a name, of the same provider",
    )
    visitor_keys: bool = Field(
        default=False,
        description="1: visitors can use a Gemini key of their own, which is kept in their page "
        "alone; what is asked on it does not count for DAILY_TURNS and DAILY_TOKENS",
    )

    # In which languages it speaks.
    page_languages: Annotated[str, setting_words.words_among(*LANGUAGES, hidden=ACCENTED)] = Field(
        default=" ".join(LANGUAGES),
        description="the languages of the page's own words, of which a visitor gets what the "
        "browser asks for, and can choose",
    )

    # Who visitors are.
    sign_in: Annotated[str | None, setting_words.SIGN_IN] = Field(
        default=None,
        description="by what visitors sign in, so that their chats follow them to another machine: "
        "`huggingface` on a Space with `hf_oauth: true` (`huggingface required` lets nobody else "
        "in), or `header NAME` of a proxy that is named in FORWARDED_ALLOW_IPS, such as "
        "`header X-Goog-Authenticated-User-Email`",
    )

    # What visitors may say of answers, and who reads that, and sees how it goes.
    feedback: bool = Field(
        default=True,
        description="1: visitors can rate answers, and say what is wrong with them",
    )
    side_by_side: bool = Field(
        default=False,
        description="1: visitors can put one question to two settings side by side, of those that "
        "VISITOR_SETTINGS offers, the agents on show and the agent's `VARIANTS`, and say which "
        "answer is better; each such question costs two answers",
    )
    host_token: Annotated[SecretStr | None, setting_words.TOKEN] = Field(
        default=None,
        description="a secret of your choice, of at least 16 characters; opens your own pages at "
        "`/host`, such as what visitors have said of answers, and `/metrics` (after "
        "`pip install prometheus-client`)",
    )

    # Recording what Gemini answers, and playing it back.
    record: str | None = Field(
        default=None,
        description="a file to which all that Gemini answers is recorded, and when: visitors are "
        "told, and nothing of it is deleted with a chat",
    )
    replay: str | None = Field(
        default=None,
        description="a file that was recorded so: it answers in the AI's place, at the same speed, "
        "and needs no key and no network",
    )

    # Who may use it from elsewhere.
    api_token: Annotated[SecretStr | None, setting_words.TOKEN] = Field(
        default=None,
        description="a secret of your choice, of at least 16 characters; opens the "
        "OpenAI-compatible API",
    )
    allowed_origins: Annotated[str | None, setting_words.WEB_SITES] = Field(
        default=None,
        description="other web sites whose pages may use this agent, such as "
        "`https://example.org http://localhost:5173`; also other names of this page, where a proxy "
        "serves it",
    )

    embed_on: Annotated[str | None, setting_words.OTHER_SITES] = Field(
        default=None,
        description="other web sites that show the chat in a panel on their pages, such as "
        '`https://example.org`, by `<script src="https://THIS-PAGE/embed.js" defer></script>`; no '
        "others can",
    )

    @field_validator("*")
    @classmethod
    def _check_size(cls, value: object) -> object:
        if isinstance(value, int | float) and value > LARGEST:
            raise ValueError(f"it should be at most {LARGEST:,}")
        return value

    @field_validator("streaming", mode="before")
    @classmethod
    def _as_adk_writes_it(cls, streaming: object) -> object:
        return streaming.lower() if isinstance(streaming, str) else streaming

    @field_validator("replay")
    @classmethod
    def _check_replay(cls, replay: str | None, known: ValidationInfo) -> str | None:
        if replay and known.data.get("record"):
            raise ValueError("what comes from a recording is not recorded again; set no RECORD")
        return replay

    @property
    def accepted_types(self) -> frozenset[str]:
        """The MIME types that a visitor may send; empty where none is taken."""
        words = split_words(self.file_types.lower())
        return frozenset(kind for word in words for kind in GROUPS.get(word, (word,))) - {"none"}

    @property
    def choices(self) -> tuple[str, ...]:
        """What visitors may choose, of `CHOICES`; a model only where there are several."""
        words, offers = split_words(self.visitor_settings), bool(split_words(self.models))
        return tuple(name for name in CHOICES if name in words and (offers or name != "model"))

    @property
    def languages(self) -> tuple[str, ...]:
        """The tags of the page's languages; English alone if the host names none."""
        return tuple(split_words(self.page_languages)) or (ENGLISH,)

    @property
    def origins(self) -> tuple[str, ...]:
        """The allowed origins, as browsers write them."""
        return setting_words.split_origins(self.allowed_origins)

    @property
    def sites(self) -> tuple[str, ...]:
        """The origins of the web sites that show the chat, as browsers write them."""
        return setting_words.split_origins(self.embed_on)
