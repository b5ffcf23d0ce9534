"""A streaming chat page for an ADK agent.

Run it:  python app.py [path/to/agent]     and open http://127.0.0.1:7860
"""

# ruff: noqa: E402
import gc

gc.disable()  # To look for garbage while everything is imported takes a sixth of the start.

import sys
from importlib.util import find_spec
from pathlib import Path

import gradio as gr

from agent.chat.loader import OURS, LoadedAgent
from agent.chat.registry import Registry
from agent.page.chat_interface import ChatPage
from agent.page.handlers import Chat
from agent.server import read, serve_forever

gc.enable()


def page(loaded: LoadedAgent, registry: Registry, for_mcp: bool = False) -> gr.ChatInterface:
    """The page, `/chat` for Gradio's clients, and a tool for MCP clients, if they are served."""
    return ChatPage(Chat(loaded, registry), loaded, for_mcp)


chosen = sys.argv[1:2] if __name__ == "__main__" else []
loaded, registry = read(Path(*chosen) if chosen else OURS)
has_mcp = find_spec("mcp") is not None
demo = page(loaded, registry, has_mcp)

if __name__ == "__main__":
    serve_forever(demo, loaded, registry, mcp_server=has_mcp)
