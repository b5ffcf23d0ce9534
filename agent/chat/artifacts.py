"""The files of a session, which ADK's artifact service has, or which its messages hold: put where a
page can fetch them."""

import asyncio
import logging
import mimetypes
from collections.abc import Iterable
from dataclasses import replace

from google.adk.events import Event
from google.adk.runners import Runner
from google.genai import types

from agent.core import files
from agent.core.files import File
from agent.core.history import TurnRecord, sent_files
from agent.core.transcript import Transcript
from agent.core.visitor import SessionKey
from agent.render import media

log = logging.getLogger(__name__)

# Seconds for the artifact service to give one; it may be another machine.
LOADING_TIMEOUT = 10.0


class Artifacts:
    """What is known of a session's artifacts, and of the files that were sent in it.

    Args:
        runner: Has the artifact service.
        key: The session's.
    """

    def __init__(self, runner: Runner, key: SessionKey) -> None:
        self._service, self._key = runner.artifact_service, key
        # By name and version.
        self._known: dict[tuple[str, int | None], File] = {}
        # By the event that has sent them, and their place in it; without what is in them.
        self._sent: dict[tuple[str, int], File] = {}

    async def look_up(self, events: Iterable[Event]) -> None:
        """Know what is in the artifacts that these events have saved, and in the files that they
        have sent; one that cannot be loaded now is looked up again the next time."""
        for event in events:
            for place, file in enumerate(sent_files(event)):
                sent = self._sent.get((event.id, place))
                if file.data and not (sent and media.path_of(sent.kept_as)):
                    name = await asyncio.to_thread(media.save, file.mime_type, file.data)
                    size = len(file.data)
                    self._sent[event.id, place] = replace(file, data=b"", size=size, kept_as=name)
        for file in [file for event in events for file in files.saved(event)]:
            known = self._known.get((file.name, file.version))
            if known is None or not (known.address or media.path_of(known.kept_as)):
                self._known[file.name, file.version] = await self._load(file)

    def described(self, transcript: Transcript) -> Transcript:
        """The transcript with what is known of its artifacts."""
        return tuple(
            replace(self._known.get((entry.name, entry.version), entry), source=entry.source)
            if isinstance(entry, File)
            else entry
            for entry in transcript
        )

    def sent(self, record: TurnRecord) -> tuple[File, ...]:
        """The files that were sent with a turn's question, without what is in them."""
        return tuple(
            self._sent.get((record.event_id, place), replace(file, data=b""))
            for place, file in enumerate(record.files)
        )

    def release(self, record: TurnRecord) -> None:
        """Leave the files of a question that is taken back where they are, for as long as any that
        is sent: they may be sent again with another."""
        kept = [file.kept_as for file in record.files]
        self._sent = {at: file for at, file in self._sent.items() if file.kept_as not in kept}

    def forget(self, records: Iterable[TurnRecord]) -> None:
        """Delete what was put where a page can fetch it, of these turns too."""
        sent = [file for record in records for file in record.files]
        for file in (*self._known.values(), *self._sent.values(), *sent):
            media.delete(file.kept_as)
        self._known.clear()
        self._sent.clear()

    async def _load(self, file: File) -> File:
        part: types.Part | None = None
        try:
            if self._service:
                async with asyncio.timeout(LOADING_TIMEOUT):
                    part = await self._service.load_artifact(
                        **self._key._asdict(), filename=file.name, version=file.version
                    )
        except Exception as error:  # A service may be of any class.
            log.warning("The artifact %r could not be loaded: %r", file.name, error)
        if part is None:
            return file
        if part.file_data:
            return replace(file, address=part.file_data.file_uri or "")
        blob = part.inline_data or types.Blob(
            data=(part.text or "").encode(), mime_type="text/plain"
        )
        guessed, data = mimetypes.guess_type(file.name)[0], blob.data or b""
        mime_type = blob.mime_type or ""
        if mime_type in ("", "application/octet-stream", "text/plain"):
            mime_type = guessed or mime_type
        kept_as = await asyncio.to_thread(media.save, mime_type, data)
        return replace(file, mime_type=mime_type, size=len(data), kept_as=kept_as)
