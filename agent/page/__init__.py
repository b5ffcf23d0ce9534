"""What the page is made of: alone in `agent/`, but for `server.py`, it knows Gradio."""
