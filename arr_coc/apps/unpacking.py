"""Pictures that were kept, as files again that the page may show."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path


def unpack(folder: Path, name: str, content: bytes) -> Path:
    """The picture in a folder that only its bytes have, under its own name, which leads nowhere else."""
    plain = Path(name).name
    path = folder / sha256(content).hexdigest()[:16] / ("picture" if plain in ("", "..") else plain)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path
