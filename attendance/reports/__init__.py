"""Registers and forms from plain rows."""
