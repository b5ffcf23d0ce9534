"""What the page loads when it is first needed, as most visitors never see it: scripts and styles
of agent/page/static/later."""

import json
from pathlib import Path

from fastapi import APIRouter, HTTPException, Response

from agent.core.language import language, words_of_scripts

FOLDER = Path(__file__).parents[1] / "page" / "static" / "later"

TYPES = {".js": "text/javascript", ".css": "text/css"}

# The page that asks for one may be of another version than the last one that did.
HEADERS = {"Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie"}

# Where a script takes its translations: an empty object, as which it stands in English.
TRANSLATIONS = "{/* translations */}"


def router() -> APIRouter:
    """`/later/…`."""
    routes = APIRouter(include_in_schema=False)
    parts = {path.name: path for path in FOLDER.iterdir() if path.suffix in TYPES}

    @routes.get("/later/{name}")
    async def later(name: str) -> Response:
        """One of these files; a script with what it says in the reader's language."""
        if name not in parts:
            raise HTTPException(404, "There is no such part of the page.")
        text = parts[name].read_text(encoding="utf-8")
        if words := words_of_scripts(language(), f"later/{name}"):
            text = text.replace(TRANSLATIONS, json.dumps(words, ensure_ascii=False), 1)
        return Response(text, media_type=TYPES[parts[name].suffix], headers=HEADERS)

    return routes
