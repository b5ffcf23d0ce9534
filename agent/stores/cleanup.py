"""Deletes what ADK would keep of a visitor whose last session has been deleted."""

from typing import Any

from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService

from agent.core.adk_internals import forget_user


class InMemoryStore(InMemorySessionService):
    """ADK's session store in memory, which also frees what it holds of a user without sessions."""

    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        """Delete a session; with a user's last one, the user's state too."""
        await super().delete_session(app_name=app_name, user_id=user_id, session_id=session_id)
        forget_user(self, app_name, user_id)


async def delete_artifacts(runner: Runner, session: dict[str, Any]) -> None:
    """Delete the artifacts of a session that has been deleted.

    Those that belong to its user ("user:…") are deleted with the user's last session.

    Args:
        runner: Has the stores of artifacts and sessions.
        session: `app_name`, `user_id` and `session_id`.
    """
    if not (artifacts := runner.artifact_service):
        return
    names = await artifacts.list_artifact_keys(**session)
    if any(name.startswith("user:") for name in names):
        left = await runner.session_service.list_sessions(
            app_name=runner.app_name, user_id=session["user_id"]
        )
        if left.sessions:
            names = [name for name in names if not name.startswith("user:")]
    for name in names:
        await artifacts.delete_artifact(**session, filename=name)
