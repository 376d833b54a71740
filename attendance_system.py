#!/usr/bin/env python3
"""Runs the gate: ``attendance run`` with the given options (``--headless``, ``--demo``, …)."""

import sys

from attendance.cli import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
