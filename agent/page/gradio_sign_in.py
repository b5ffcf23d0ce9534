"""The private names of Gradio that are about signing in, as in gradio_internals.py."""

from collections.abc import Mapping
from inspect import isawaitable
from typing import Any, cast

from agent.page.gradio_internals import unless_missing

# What is kept of a profile: by what a person is known, and what `gr.OAuthProfile` asks for.
PROFILE = "sub", "preferred_username", "name", "profile", "picture"


def has_sign_in(app: Any, otherwise: bool) -> bool:
    """Whether visitors sign in by Gradio's form (`auth=`) at Gradio's `app`.

    Args:
        otherwise: What is answered where Gradio no longer tells.
    """
    with unless_missing("Sign-in works where it is an option of `serve`."):
        return app.auth is not None
    return otherwise


async def current_user(request: Any) -> str | None:
    """Who has signed in at Gradio's page (`get_current_user`, gradio/routes.py); None if nobody."""
    app = request.app
    with unless_missing("Where visitors sign in, the APIs answer nobody who has not API_TOKEN."):
        if app.auth_dependency is not None:
            user = app.auth_dependency(request)
            return cast(str | None, await user if isawaitable(user) else user)
        names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
        tokens = [request.cookies.get(name) for name in names]
        return next((app.tokens[token] for token in tokens if token in app.tokens), None)
    return None


def huggingface_profile(scope: Mapping[str, Any]) -> Mapping[str, Any]:
    """What Hugging Face has told of who has signed in there (`/login/callback`, gradio/oauth.py);
    nothing if nobody has, or where Gradio keeps it elsewhere."""
    info = scope.get("session", {}).get("oauth_info") or {}
    return cast(Mapping[str, Any], info.get("userinfo") or {})


def keep_profile_alone(scope: Mapping[str, Any]) -> None:
    """Take out of the cookie that is about to be set what Gradio keeps there of a sign-in beside
    the profile: tokens, by which one could act for that person, and for which browsers may have no
    room (4 kB). Gone: they stay."""
    session = scope.get("session", {})
    profile = huggingface_profile(scope)
    if set(session.get("oauth_info") or ()) - {"userinfo"}:
        kept = {name: profile[name] for name in PROFILE if name in profile}
        session["oauth_info"] = {"userinfo": kept}
