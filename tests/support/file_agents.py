"""Agents whose tools make files, each in another way; and the files."""

import base64
import struct
import zlib
from typing import Any

from google.adk.agents import Agent
from google.adk.models import BaseLlm
from google.adk.tools import ToolContext
from google.genai import types


def png(side: int = 24) -> bytes:
    """A red square, in so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    row = b"\0" + b"\xc0\x20\x20" * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row * side)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


PNG = png()

CSV = "colour,share\nred,1\n<b>blue</b>,2\n"


async def paint(subject: str, tool_context: ToolContext) -> dict[str, str]:
    """Paint a picture, and write a table of its colours."""
    picture = types.Part.from_bytes(data=PNG, mime_type="image/png")
    await tool_context.save_artifact(f"{subject}.png", picture)
    table = types.Part.from_bytes(data=CSV.encode(), mime_type="text/csv")
    await tool_context.save_artifact("colours.csv", table)
    return {"status": "saved"}


def photograph() -> Any:
    """Take a photograph, which is returned."""
    return {"taken": "now", "photo": types.Part.from_bytes(data=PNG, mime_type="image/png")}


def screenshot() -> dict[str, Any]:
    """A picture as tools of MCP return it."""
    picture = {"type": "image", "data": base64.b64encode(PNG).decode(), "mimeType": "image/png"}
    return {"content": [{"type": "text", "text": "Here it is."}, picture], "isError": False}


async def keep(note: str, tool_context: ToolContext) -> dict[str, str]:
    """Keep a note for all conversations with this person."""
    await tool_context.save_artifact("user:note.txt", types.Part.from_text(text=note))
    return {"status": "kept"}


def agent(model: str | BaseLlm) -> Agent:
    """An agent with all these tools."""
    return Agent(name="helper", model=model, tools=[paint, photograph, screenshot, keep])
