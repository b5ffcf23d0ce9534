"""How fast the page is, beside raw ADK and others, all measured in one run: `make bench`.

The model is a fake Gemini in a process of its own, and so is each that is measured; this process
only asks and looks at the clock. Everything else is real: google-genai, ADK's Runner, app.py as a
host starts it, Chromium.
"""
