"""Measure speed: the filter, its upper bounds and its peers."""
