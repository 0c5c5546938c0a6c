"""What a network is: the shipped files, their shapes, cost and quality, and the graph for video samples."""
