"""Training data: images, their degradation to low resolution, and patches."""
