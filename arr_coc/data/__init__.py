"""Pictures with questions: drawn from a seed, or read from a folder."""

from arr_coc.data.drawing.generator import generate
from arr_coc.data.drawing.kinds import kinds
from arr_coc.data.records import GROUPS, Box, Glyphs, Picture, Question, legible_level

__all__ = ["GROUPS", "Box", "Glyphs", "Picture", "Question", "generate", "kinds", "legible_level"]
