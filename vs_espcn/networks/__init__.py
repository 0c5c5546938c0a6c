"""Networks: the shipped files, their shapes, cost and quality, and their graphs for video samples."""
