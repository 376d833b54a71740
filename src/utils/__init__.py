"""Documented import paths of what keeps a gate alive and visible."""
