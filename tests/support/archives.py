"""What is in a file of files."""

import io
import zipfile


def unpacked(content: bytes) -> dict[str, str]:
    """The files of a zip, which is whole."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}
