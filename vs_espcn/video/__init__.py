"""Clips: the filter, its source and its way out. The only room that imports vapoursynth."""
