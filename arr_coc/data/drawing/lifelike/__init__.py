"""Pictures that could be taken for real ones: print, paper, camera; the second generation of the generator."""
