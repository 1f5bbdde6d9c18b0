"""Everything that draws a picture with questions, answers and evidence boxes."""
