"""What the page loads when it is first needed, as most visitors never see it: scripts and styles
of agent/page/static/later."""

from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

FOLDER = Path(__file__).parents[1] / "page" / "static" / "later"

TYPES = {".js": "text/javascript", ".css": "text/css"}

# The page that asks for one may be of another version than the last one that did.
HEADERS = {"Cache-Control": "no-cache"}


def router() -> APIRouter:
    """`/later/…`."""
    routes = APIRouter(include_in_schema=False)
    parts = {path.name: path for path in FOLDER.iterdir() if path.suffix in TYPES}

    @routes.get("/later/{name}")
    def later(name: str) -> FileResponse:
        """One of these files."""
        if name not in parts:
            raise HTTPException(404, "There is no such part of the page.")
        return FileResponse(parts[name], media_type=TYPES[parts[name].suffix], headers=HEADERS)

    return routes
