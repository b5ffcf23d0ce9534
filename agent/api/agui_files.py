"""Pictures, sounds and other files in what AG-UI's clients send."""

from ag_ui.core import DataSource, TextPart, UrlSource, UserMessage
from fastapi import HTTPException

from agent.api.openai_files import to_file
from agent.core.files import File
from agent.core.settings import Settings
from agent.render.file_links import from_address

NOT_FETCHED = (
    "Files are not fetched from elsewhere: send what is in them, in base64, or the address that "
    "`POST /files` has answered."
)


def files_of(message: UserMessage, settings: Settings) -> list[File]:
    """The files of a message.

    Raises:
        HTTPException: 400 or 422, if one of them cannot be sent here.
    """
    parts = message.content if isinstance(message.content, list) else []
    file_parts = [part for part in parts if not isinstance(part, TextPart)]
    return [_file(part.source, _name(part.metadata), settings) for part in file_parts]


def _file(source: object, name: str, settings: Settings) -> File:
    match source:
        case DataSource(value=data):
            return to_file(data, name, settings)
        case UrlSource(value=address) if address.startswith("data:"):
            return to_file(address, name, settings)
        case UrlSource(value=address):
            # An address of this app's own, which a client has made absolute.
            _, folder, rest = address.rpartition("files/")
            if file := from_address(folder + rest):
                return file
    raise HTTPException(422, NOT_FETCHED)


def _name(metadata: object) -> str:
    """The name that a client gives a file in its metadata: the protocol has no field for it."""
    match metadata:
        case {"filename": str(name)} | {"name": str(name)}:
            return name
    return ""
