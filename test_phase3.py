#!/usr/bin/env python3
"""Tries what keeps a gate alive: ``attendance selftest``."""

import sys

from attendance.cli import main

if __name__ == "__main__":
    sys.exit(main(["selftest", *sys.argv[1:]]))
