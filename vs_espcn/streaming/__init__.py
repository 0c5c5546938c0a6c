"""Video streams between two programs: read, upscaled and written frame by frame."""
