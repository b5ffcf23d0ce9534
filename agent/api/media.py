"""The pictures and other files that an agent has made, for the page that shows them."""

import mimetypes

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from agent.render import media as pictures

HEADERS = {"Cache-Control": "private, max-age=86400, immutable"}


def router() -> APIRouter:
    """`/files/…`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/files/{name}")
    def file(name: str) -> FileResponse:
        """One file: to be looked at if it can hold no script, else to be saved."""
        path = pictures.find(name)
        if path is None:
            raise HTTPException(404, "This file is not here, or not any more.")
        how = "inline" if mimetypes.guess_type(name)[0] in pictures.RASTER else "attachment"
        return FileResponse(path, headers=HEADERS, filename=name, content_disposition_type=how)

    return routes
