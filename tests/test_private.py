"""What people bring to a page is gone on time, at exit, and after a process that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from arr_coc.serving.private import KEPT_S, PREFIX, Keeper, remove_orphans
from arr_coc.serving.space import Space, space_files

SERVER = """
import sys
import gradio as gr
from PIL import Image
from arr_coc.apps.pages import new_page, serve
from arr_coc.apps.uploads import picture_input
with new_page("test") as page:
    picture, slider, button = picture_input("Picture", 100), gr.ImageSlider(format="jpeg"), gr.Button()
    button.click(lambda path: (Image.open(path).rotate(90), path), picture, slider, api_name="derive")
serve(page, "127.0.0.1", int(sys.argv[1]))
"""


class Clock:
    def __init__(self) -> None:
        self.late = 0.0

    def __call__(self) -> float:
        return time.time() + self.late


def test_files_are_deleted_on_time(tmp_path) -> None:
    clock = Clock()
    keeper, asked = Keeper(tmp_path, clock=clock), []
    keeper.on_sweep(lambda: asked.append(any(keeper.folder.rglob("*.jpg"))))
    assert keeper.folder.stat().st_mode & 0o777 == 0o700
    for name in ("upload/a.jpg", "derived/deep/b.jpg"):
        (keeper.folder / name).parent.mkdir(parents=True)
        (keeper.folder / name).write_bytes(b"picture")
    (keeper.folder / "link.jpg").symlink_to(tmp_path)
    clock.late = KEPT_S - 60
    keeper.sweep()
    assert len([*keeper.folder.rglob("*.jpg")]) == 3 and asked == [True]
    clock.late = KEPT_S + 60
    keeper.sweep()
    assert asked == [True, False] and tmp_path.exists()
    keeper.sweep()
    assert not [*keeper.folder.iterdir()]
    (keeper.folder / "late.jpg").write_bytes(b"picture")
    keeper.close()
    assert not keeper.folder.exists()


def test_folders_of_killed_processes_are_removed_and_no_others(tmp_path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = {f"{PREFIX}{dead.pid}-x": False, f"{PREFIX}{os.getpid()}-x": True, f"{PREFIX}notes": True, "other": True}
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(b"picture")
    remove_orphans(tmp_path)
    assert {name: (tmp_path / name / "a.jpg").exists() for name in names} == names
    Keeper(tmp_path / "new" / "folder").close()


def heed_interrupts() -> None:
    """A test run in the background is started with interrupts ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    "how",
    [
        signal.SIGINT,
        signal.SIGTERM,
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, marks=pytest.mark.slow),
    ],
)
def test_signals_leave_nothing_behind(tmp_path, how) -> None:
    """A picture is sent and another derived from it; after SIGKILL the next process removes both."""
    gradio_client = pytest.importorskip("gradio_client", reason="gradio is not installed; pip install -e '.[demo]'")
    from test_browser import free_ports, wait_for

    [port] = free_ports(1)
    environment = os.environ | {"GRADIO_TEMP_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}
    with open(tmp_path.parent / "log", "w") as log:
        command = [sys.executable, "-c", SERVER, str(port)]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, preexec_fn=heed_interrupts)
    try:
        wait_for(port, server, tmp_path.parent / "log")
        client = gradio_client.Client(f"http://127.0.0.1:{port}", verbose=False, download_files=False)
        picture = gradio_client.handle_file(Path(__file__).parent.parent / "arr_coc" / "examples" / "shapes.jpg")
        client.predict(picture, api_name="/derive")
        assert len([path for path in tmp_path.rglob("*") if path.is_file()]) >= 2
        server.send_signal(how)
        assert server.wait(20) == {signal.SIGINT: 0, signal.SIGKILL: -9}.get(how, 128 + how)
    finally:
        server.kill()
        server.wait()
    if how == signal.SIGKILL:
        remove_orphans(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_space_says_what_is_done() -> None:
    files = space_files(Space(), lambda name: "1.0")
    assert f"all that is made of them, are deleted after\n{KEPT_S / 60:.0f} minutes" in files["README.md"]
    assert "serve(" in files["app.py"]
