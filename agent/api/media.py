"""The pictures and other files of conversations, for the page that shows them."""

import mimetypes

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from agent.render import media

# A file never changes: its name is a hash of its content.
FILE_HEADERS = {"Cache-Control": "private, max-age=86400, immutable"}


def router() -> APIRouter:
    """`/files/…`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/files/{name}")
    @routes.get("/files/{name}/{shown_name}")
    def file(name: str, shown_name: str = "") -> FileResponse:
        """One file: shown by the browser if it can hold no script, else saved."""
        path = media.path_of(name)
        if path is None:
            raise HTTPException(404, "This file is not here, or not any more.")
        # By the stored name, which tells the content's type; the shown name may claim another.
        kind = mimetypes.guess_type(name)[0]
        disposition = "inline" if kind in media.RASTER_TYPES else "attachment"
        return FileResponse(
            path,
            headers=FILE_HEADERS,
            media_type=kind or "application/octet-stream",
            filename=shown_name or name,
            content_disposition_type=disposition,
        )

    return routes
