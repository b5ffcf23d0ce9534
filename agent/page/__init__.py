"""What the page is made of. Of the rest of `agent/` only `server.py`, which serves it, knows Gradio."""
