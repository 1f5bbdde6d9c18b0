"""Rows of a data set by way of the `datasets` library: of the hub or of a copy on disk, pictures left undecoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

READERS = {".parquet": "parquet", ".jsonl": "json", ".json": "json", ".arrow": "arrow"}


@dataclass(frozen=True)
class Location:
    """Where rows are.

    Attributes:
        name: what the user asked for, for messages.
        source: id of the hub, or path of a folder or a file.
        config: of the hub's copy; on disk a folder of that name is preferred to `source` itself.
        split: taken on disk only where there are several.
    """

    name: str
    source: str
    config: str | None
    split: str
    is_local: bool

    @property
    def path(self) -> Path:
        """On disk."""
        folder = Path(self.source).expanduser()
        part = folder / self.config if self.config else folder
        return part if part.is_dir() else folder


def library() -> Any:
    """The `datasets` module.

    Raises:
        ValueError: it is not installed.
    """
    try:
        return import_module("datasets")
    except ModuleNotFoundError as error:
        if error.name != "datasets":
            raise
        raise ValueError("tasks: data sets of the hub need the extra hub: pip install 'arr-coc[hub]'") from error


def load_rows(location: Location, limit: int | None = None) -> Any:
    """A `datasets.Dataset` whose pictures are bytes or paths.

    Args:
        limit: the first so many rows; only what holds them is read or downloaded.
    Raises:
        ValueError: nothing there, an unclear split, or `datasets` is missing.
    """
    datasets = library()
    with explained(location, datasets):
        if location.is_local and is_saved(location.path):
            rows = pick_split(location, datasets.load_from_disk(str(location.path)))
        elif limit is None:
            rows = datasets.load_dataset(**address(location))
        else:
            told = {"place": address(location), "limit": limit, "stamp": stamp_of(location)}
            rows = datasets.Dataset.from_generator(first_rows, gen_kwargs=told)
    return undecoded(rows, datasets)


def is_saved(path: Path) -> bool:
    """Whether `save_to_disk` wrote it."""
    return (path / "state.json").is_file() or (path / "dataset_dict.json").is_file()


def pick_split(location: Location, rows: Any) -> Any:
    """The rows themselves, or of several splits the one that `choose` names."""
    return rows[choose(location, list(rows))] if isinstance(rows, dict) else rows


def choose(location: Location, splits: list[str]) -> str:
    """The location's split, or the only one there is."""
    if location.split in splits:
        return location.split
    if len(splits) == 1:
        return splits[0]
    raise ValueError(f"{location.name}: needs the split {location.split}; there are {', '.join(splits)}")


def address(location: Location) -> dict[str, Any]:
    """Arguments of `load_dataset`."""
    if not location.is_local:
        return {"path": location.source, "name": location.config, "split": location.split}
    path = location.path
    if path.is_file():
        if path.suffix not in READERS:
            raise ValueError(f"{location.name}: {path} is none of {', '.join(READERS)}")
        return {"path": READERS[path.suffix], "data_files": str(path), "split": "train"}
    return {"path": str(path), "split": choose(location, library().get_dataset_split_names(str(path)))}


def first_rows(place: dict[str, Any], limit: int, stamp: int) -> Iterator[dict[str, Any]]:
    """Read as a stream; `stamp` tells copies of different age apart in the library's cache."""
    datasets = library()
    yield from undecoded(datasets.load_dataset(**place, streaming=True), datasets).take(limit)


def stamp_of(location: Location) -> int:
    """When the newest file of a copy on disk was written, in nanoseconds; 0 for the hub."""
    if not location.is_local:
        return 0
    path = location.path
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return max((file.stat().st_mtime_ns for file in files), default=0)


def undecoded(rows: Any, datasets: Any) -> Any:
    """The same rows; columns of pictures give {"bytes", "path"} instead of decoding every picture they pass."""
    for name, feature in (rows.features or {}).items():
        if isinstance(feature, datasets.Image):
            rows = rows.cast_column(name, datasets.Image(decode=False))
    return rows


@contextmanager
def explained(location: Location, datasets: Any) -> Iterator[None]:
    """Turns what `datasets` raises into one line with the name and what to do."""
    try:
        yield
    except (OSError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        place = f"from {location.path}" if location.is_local else f"{location.source} from the Hugging Face hub"
        lines = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
        remedy = "" if location.is_local else f"; a copy on disk is named {location.name}:FOLDER"
        raise ValueError(f"{location.name}: cannot load {place} ({lines[0].rstrip('.')[:160]}){remedy}") from error
