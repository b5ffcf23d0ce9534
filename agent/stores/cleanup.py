"""What ADK would keep of a visitor whose last session has been deleted."""

from typing import Any

from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService


class InMemoryStore(InMemorySessionService):
    """ADK's store in memory, without the empty place and the state of a user who has left it."""

    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        """Delete a session, and with the last one all there is of its user."""
        await super().delete_session(app_name=app_name, user_id=user_id, session_id=session_id)
        users = self.sessions.get(app_name, {})
        if not users.get(user_id, True):
            del users[user_id]
            self.user_state.get(app_name, {}).pop(user_id, None)


async def delete_artifacts(runner: Runner, session: dict[str, Any]) -> None:
    """Delete what the agent's tools have saved in a session that is no more; and what they have
    saved for its user, if that was the last one."""
    if not (artifacts := runner.artifact_service):
        return
    for name in await artifacts.list_artifact_keys(**session):
        if not name.startswith("user:") or await _has_left(runner, session["user_id"]):
            await artifacts.delete_artifact(**session, filename=name)


async def _has_left(runner: Runner, user_id: str) -> bool:
    listed = await runner.session_service.list_sessions(app_name=runner.app_name, user_id=user_id)
    return not listed.sessions
