"""How large a request may be: a step of the page, a file, a conversation that a program sends."""

from collections.abc import Callable

from starlette.types import Scope

from agent.api.openai import has_token
from agent.api.path_prefix import own_path
from agent.chat.sent_files import largest
from agent.core.settings import Settings

# Bytes of a request, whatever is set: more than anybody types.
MAX_BODY = 4_000_000

# Bytes of a request: what a step of the page sends beside a message, and what each of the message's
# characters may take ("\\ud83d\\ude00" is one). With the defaults that is 80 kB.
MAX_STEP, MAX_CHARACTER = 16_000, 16

# Bytes of a conversation that a program sends again with each message: by OpenAI's protocol, if it
# has the token, or by AG-UI's, without one too, as few of those clients have it.
MAX_CONVERSATION = 1_000_000

# How the paths begin where a conversation may hold files, in base64, if the request has the token.
PATHS_WITH_FILES = ("/v1/", "/agui")


def body_limit(settings: Settings) -> Callable[[Scope], int]:
    """A function that says how many bytes the body of a request of this scope may have."""
    longest, token = settings.max_message_length, settings.api_token
    takes_files = bool(settings.accepted_types)
    step = min(MAX_BODY, MAX_STEP + MAX_CHARACTER * longest) if longest else MAX_BODY

    def body_limit(scope: Scope) -> int:
        if is_upload(scope):
            return largest(settings)
        path = own_path(scope)
        if not has_token(scope, token):
            return max(step, MAX_CONVERSATION) if path.startswith("/agui") else step
        has_files = takes_files and path.startswith(PATHS_WITH_FILES)
        return max(step, MAX_CONVERSATION) + (largest(settings) * 4 // 3 if has_files else 0)

    return body_limit


def is_upload(scope: Scope) -> bool:
    """Whether a request's body is a file (agent/api/uploads.py)."""
    return own_path(scope).rstrip("/") == "/files"
