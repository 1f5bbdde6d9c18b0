"""The folder that Hugging Face Spaces runs the public demo from.

Spaces installs `requirements.txt` before the rest of the folder is there, so the package cannot be a wheel beside
it. Either the package itself lies beside `app.py`, or pip fetches it from an address.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from arr_coc.files.writing import folder_made
from arr_coc.hosts.names import HUB_ID, NANO
from arr_coc.quoting import quoted
from arr_coc.serving.private import KEPT_S

PACKAGE = Path(__file__).parents[1]
MAX_UPLOAD_MB = 20
PYTHON = "3.11"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
HARDWARE = (
    "cpu-basic",
    "cpu-upgrade",
    "t4-small",
    "t4-medium",
    "l4x1",
    "l4x4",
    "a10g-small",
    "a10g-large",
    "a100-large",
)

APP = '''\
"""The public demo of ARR-COC on Hugging Face Spaces; made by `arr-coc space`."""

from arr_coc.apps.demo import build_demo
from arr_coc.apps.pages import serve

if __name__ == "__main__":
    serve(build_demo("{model}", max_upload_mb={max_upload_mb}), max_upload_mb={max_upload_mb})
'''

README = """\
---
title: ARR-COC
colorFrom: green
colorTo: blue
sdk: gradio
sdk_version: {gradio}
python_version: "{python}"
app_file: app.py
suggested_hardware: {hardware}
license: mit
short_description: Visual tokens where the question needs them
{models}pinned: false
---

# ARR-COC: visual tokens where the question needs them

Upload a picture and ask about it. ARR-COC looks at the whole picture coarsely, then closer where the question needs
it, and answers from 64 to 400 visual tokens. The page shows where it looked and what that saved.

The page runs on `{model}` and is made for `{hardware}`. Pictures, and all that is made of them, are deleted after
{minutes:.0f} minutes and when the page ends; nothing is recorded.

`app.py`, `requirements.txt` and this file are made by `arr-coc space FOLDER`{package}.
Publish the folder with `hf upload USER/NAME FOLDER . --repo-type space`.
"""


@dataclass(frozen=True)
class Space:
    """What is published.

    Attributes:
        model: "nano" or an id of the Hugging Face hub.
        hardware: flavour of machine that the page suggests to those who duplicate it.
        package: what pip installs arr-coc from, a git or wheel address; None puts the package beside `app.py`.

    Raises:
        ValueError: a model that only this machine has, unknown hardware, a package of more than one line.
    """

    model: str = NANO
    hardware: str = "cpu-basic"
    package: str | None = None

    def __post_init__(self) -> None:
        if self.model != NANO and not HUB_ID.fullmatch(self.model):
            raise ValueError(f"model: must be {NANO} or an id of the Hugging Face hub, got {quoted(self.model)}")
        if self.hardware not in HARDWARE:
            raise ValueError(f"hardware: must be one of {', '.join(HARDWARE)}, got {quoted(self.hardware)}")
        if self.package is not None and len(self.package.splitlines()) != 1:
            raise ValueError(f"package: must be one line for pip, got {quoted(self.package)}")


def installed_version(name: str) -> str:
    """Version of an installed package without its local part ("2.13.0+cpu" -> "2.13.0").

    Raises:
        ValueError: it is not installed.
    """
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError as error:
        raise ValueError(f"{name} is not installed; install it with: pip install 'arr-coc[demo]'") from error


def space_files(space: Space, version_of: Callable[[str], str] = installed_version) -> dict[str, str]:
    """Text of `app.py`, `requirements.txt` and `README.md`, with every direct dependency pinned."""
    return {
        "app.py": APP.format(model=space.model, max_upload_mb=MAX_UPLOAD_MB),
        "requirements.txt": "\n".join(requirement_lines(space, version_of)) + "\n",
        "README.md": README.format(
            gradio=version_of("gradio"),
            python=PYTHON,
            hardware=space.hardware,
            minutes=KEPT_S / 60,
            model=space.model,
            models="" if space.model == NANO else f"models:\n  - {space.model}\n",
            package=", which puts the package beside them" if space.package is None else "",
        ),
    }


def requirement_lines(space: Space, version_of: Callable[[str], str]) -> list[str]:
    """On a machine without a GPU torch comes from its index of CPU builds, which saves gigabytes."""
    index = [f"--extra-index-url {CPU_INDEX}"] if space.hardware.startswith("cpu") else []
    pins = [f"{name}=={version_of(name)}" for name in [*dependencies(), "gradio", "pi-heif"]]
    return [*index, *pins, *([space.package] if space.package else [])]


def dependencies() -> list[str]:
    """Names of what arr-coc itself needs, extras left out."""
    needed = [line for line in requires("arr-coc") or [] if "extra ==" not in line]
    return [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in needed]


def write_space(folder: Path, space: Space, version_of: Callable[[str], str] = installed_version) -> list[Path]:
    """Writes the files, and the package unless pip fetches it; returns what was written.

    All is made beside and moved in at the end: a full disk leaves the folder as it was.

    Raises:
        ValueError: the folder holds something that is not a Space.
    """
    check_folder(folder)
    texts = space_files(space, version_of)
    names = [*texts, *([PACKAGE.name] if space.package is None else [])]
    with folder_made(folder), tempfile.TemporaryDirectory(prefix=".", dir=folder) as name:
        draft = Path(name)
        for file, text in texts.items():
            (draft / file).write_text(text, encoding="utf-8")
        if space.package is None:
            shutil.copytree(PACKAGE, draft / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        shutil.rmtree(folder / PACKAGE.name, ignore_errors=True)
        for each in names:
            (draft / each).replace(folder / each)
    return [folder / each for each in names]


def check_folder(folder: Path) -> None:
    """Raises ValueError unless the folder is new, empty, or a Space by the header of its README."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"folder {quoted(folder)}: it is a file; give a folder")
    if not folder.is_dir() or all(path.name.startswith(".git") for path in folder.iterdir()):
        return
    readme = folder / "README.md"
    header = readme.read_text(encoding="utf-8", errors="replace").split("---")[1:2] if readme.is_file() else []
    if not any("sdk: gradio" in part for part in header):
        raise ValueError(f"folder {quoted(folder)}: it holds something else than a Space; give a new or empty folder")
