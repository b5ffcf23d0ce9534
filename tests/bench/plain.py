"""The plain ChatInterface around ADK that everybody writes first."""

from collections.abc import AsyncIterator

import gradio as gr
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.runners import InMemoryRunner
from google.genai import types

from tests.bench.agents.talker import root_agent

runner = InMemoryRunner(root_agent)
config = RunConfig(streaming_mode=StreamingMode.SSE)


async def respond(
    message: str, history: list[dict[str, str]], session_id: str | None
) -> AsyncIterator[tuple[str, str]]:
    """The answer so far, again and again."""
    if session_id is None:
        session = await runner.session_service.create_session(
            app_name=runner.app_name, user_id="visitor"
        )
        session_id = session.id
    text, asked = "", types.UserContent(message)
    async for event in runner.run_async(
        user_id="visitor", session_id=session_id, new_message=asked, run_config=config
    ):
        if event.partial and event.content and event.content.parts:
            text += event.content.parts[0].text or ""
            yield text, session_id


state = gr.State(None)
demo = gr.ChatInterface(
    respond,
    additional_inputs=[state],
    additional_outputs=[state],
    concurrency_limit=None,  # By itself one visitor is answered at a time.
)

if __name__ == "__main__":
    demo.launch()
