"""Measuring speed: the filter, the bounds it runs against, and its peers."""
