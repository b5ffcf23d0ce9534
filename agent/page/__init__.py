"""What the page is made of. Nothing else in `agent/` knows Gradio."""
