"""What visitors' sign-ins have given tools, in this process's memory: each visitor's own."""

import warnings
from typing import Any

from google.adk.agents.callback_context import CallbackContext
from google.adk.auth import AuthConfig, AuthCredential
from google.adk.auth.credential_service.base_credential_service import BaseCredentialService


class VisitorCredentials(BaseCredentialService):
    """A credential service of ADK's that can forget a user, which ADK's own cannot."""

    def __init__(self) -> None:
        with warnings.catch_warnings():  # ADK calls its credential services experimental.
            warnings.simplefilter("ignore", UserWarning)
            super().__init__()
        # By app and user, and there by the credential's key.
        self._kept: dict[tuple[str, str], dict[str | None, AuthCredential | None]] = {}

    async def load_credential(
        self, auth_config: AuthConfig, callback_context: CallbackContext
    ) -> AuthCredential | None:
        """What this visitor's earlier sign-in has given, if there was one."""
        return self._of(callback_context).get(auth_config.credential_key)

    async def save_credential(
        self, auth_config: AuthConfig, callback_context: CallbackContext
    ) -> None:
        """Keep what this visitor's sign-in has given."""
        credential = auth_config.exchanged_auth_credential
        self._of(callback_context)[auth_config.credential_key] = credential

    def forget(self, app_name: str, user_id: str) -> None:
        """Keep nothing of this visitor's any more."""
        self._kept.pop((app_name, user_id), None)

    def _of(self, context: CallbackContext) -> dict[Any, AuthCredential | None]:
        return self._kept.setdefault((context.session.app_name, context.user_id), {})
