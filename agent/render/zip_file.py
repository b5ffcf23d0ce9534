"""Several files in one zip."""

import io
import zipfile
from collections.abc import Mapping


def to_zip(files: Mapping[str, str]) -> bytes:
    """A zip with these texts as files, by their names."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()
