"""Pictures, sounds and other files in what clients of OpenAI's APIs send."""

import base64
import binascii

from fastapi import HTTPException
from pydantic import BaseModel

from agent.chat.sent_files import taken
from agent.core.files import File
from agent.core.notices import PlainError
from agent.core.settings import Settings
from agent.core.text import clean

NOT_FETCHED = (
    "Files are not fetched from elsewhere, nor by an id: send what is in them, as "
    "data:image/png;base64,…"
)

UNKNOWN_PART = "A part of this type cannot be sent here: {type!r}."


class ImageURL(BaseModel):
    """A picture."""

    url: str


class InputAudio(BaseModel):
    """A sound, in base64."""

    data: str


class FileData(BaseModel):
    """Any file, in base64 or as a data URL."""

    file_data: str = ""
    filename: str = ""


class ContentPart(FileData):
    """A part of a message's content, in this and that of OpenAI's APIs."""

    type: str
    text: str = ""
    image_url: ImageURL | str | None = None
    input_audio: InputAudio | None = None
    file: FileData | None = None

    def sent_file(self, settings: Settings) -> File:
        """The file in this part.

        Raises:
            HTTPException: 400, if it holds none, or one that cannot be sent here.
        """
        match self:
            case ContentPart(type="image_url" | "input_image", image_url=ImageURL(url=str(data))):
                name = ""
            case ContentPart(type="image_url" | "input_image", image_url=str(data)):
                name = ""
            case ContentPart(type="input_audio", input_audio=InputAudio(data=data)):
                name = ""
            case ContentPart(type="file", file=FileData(file_data=data, filename=name)):
                pass
            case ContentPart(type="input_file", file_data=data, filename=name):
                pass
            case _:
                raise HTTPException(400, UNKNOWN_PART.format(type=clean(self.type[:80])))
        return to_file(data, name, settings)


def to_file(data: str, name: str, settings: Settings) -> File:
    """The file in this base64 or data URL.

    Raises:
        HTTPException: 400, if it cannot be read, or not be sent here.
    """
    try:
        return taken(_decoded(data), name, settings)
    except PlainError as error:
        raise HTTPException(400, error.notice.text) from None


def _decoded(data: str) -> bytes:
    encoded = data.partition(";base64,")[2] if data.startswith("data:") else data
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content:
        raise HTTPException(400, NOT_FETCHED)
    return content
