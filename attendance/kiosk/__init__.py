"""The gate: the core process, its store and its pages."""
