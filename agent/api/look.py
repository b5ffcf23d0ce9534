"""The files of an agent's look that a browser fetches: its style, its pictures, and the manifest by
which the page can be installed. Pictures have fixed names here; only those that the owner has named
in `LOOK` are there."""

from dataclasses import fields
from pathlib import Path
from string import Template
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import JSONResponse

from agent.chat.agents import Agents
from agent.chat.loader import LoadedAgent
from agent.core.colours import PAGE
from agent.render.icon import INSTALL_SIZES, SIZES, icon
from agent.render.look import SVG, Look, Picture

STYLE_TEMPLATE = Template(Path(__file__).with_name("look.css").read_text(encoding="utf-8"))

# In whatever way a picture is opened, an SVG runs no script and fetches nothing. It is asked for
# again after five minutes: a chosen figure, after which an owner's change is seen.
LOOK_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cache-Control": "public, max-age=300",
}

MANIFEST = "application/manifest+json"

# The icon from which a phone may cut any shape.
MASKED_ICON = "icon-maskable.png"

# The logo's height, and its greatest width, in rem.
LOGO_HEIGHT, LOGO_WIDTH = 1.5, 8.0


def router(agents: Agents) -> APIRouter:
    """`/look/…`, and the icon that browsers ask for by themselves."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/favicon.ico")
    def favicon() -> Response:
        """The first agent's icon."""
        return _icon(agents.first.loaded.look, INSTALL_SIZES[0])

    @routes.get("/look/{name}/{part}")
    async def look(name: str, part: str) -> Response:
        """One part of the look of the agent of this name, which is loaded if need be."""
        if name not in agents.names:
            raise HTTPException(404, "There is no such agent here.")
        loaded = (await agents.get(name)).loaded
        if part == "style.css":
            return Response(_style(loaded.look), media_type="text/css", headers=LOOK_HEADERS)
        if part == "manifest.json":
            query = f"?agent={quote(name)}" if agents.are_several else ""
            manifest = _manifest(loaded, query)
            return JSONResponse(manifest, headers=LOOK_HEADERS, media_type=MANIFEST)
        return _picture(loaded.look, part)

    return routes


def _picture(look: Look, part: str) -> Response:
    if part == MASKED_ICON:
        return _icon(look, SIZES[-1], is_masked=True)
    if part in (f"icon-{size}.png" for size in SIZES):
        return _icon(look, int(part[5:-4]))
    parts = {field.name: getattr(look, field.name) for field in fields(look)}
    picture = parts.get(part)
    if isinstance(picture, Picture):
        return Response(picture.data, media_type=picture.kind, headers=LOOK_HEADERS)
    if part in ("icon", "card"):
        return _icon(look, SIZES[-1])
    raise HTTPException(404, "There is no such picture here.")


def _icon(look: Look, size: int, is_masked: bool = False) -> Response:
    if data := icon(look, size, is_masked):
        return Response(data, media_type="image/png", headers=LOOK_HEADERS)
    assert look.icon
    return Response(look.icon.data, media_type=look.icon.kind, headers=LOOK_HEADERS)


def _style(look: Look) -> str:
    ratio = look.logo.ratio if look.logo else 1
    pictures = {name: getattr(look, name) for name in ("logo", "avatar", "visitor_avatar")}
    values = {name: f'url("{name}")' if picture else "none" for name, picture in pictures.items()}
    values |= {f"has_{name}": '""' if picture else "none" for name, picture in pictures.items()}
    width = min(LOGO_WIDTH, LOGO_HEIGHT * ratio)
    light, dark = look.accent
    return STYLE_TEMPLATE.substitute(
        values, light=light, dark=dark, height=LOGO_HEIGHT, width=f"{width:.2f}"
    )


def _manifest(loaded: LoadedAgent, query: str) -> dict[str, object]:
    """What an installed page is called and how it opens
    (https://www.w3.org/TR/appmanifest/); its addresses are relative to its own."""
    look = loaded.look
    if look.icon and look.icon.kind == SVG:
        icons = [{"src": "icon", "sizes": "any", "type": SVG}]
    else:
        icons = [
            {"src": f"icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png"}
            for size in INSTALL_SIZES
        ]
        icons += [{**icons[-1], "src": MASKED_ICON, "purpose": "maskable"}]
    return {
        "name": loaded.title,
        "description": loaded.description,
        "start_url": f"../../{query}",
        "scope": "../../",
        "display": "standalone",
        "background_color": PAGE[0],
        "theme_color": PAGE[0],
        "icons": icons,
    }
