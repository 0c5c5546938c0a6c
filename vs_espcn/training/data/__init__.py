"""Training data: images and clips, their degradation to low resolution, and patches."""
