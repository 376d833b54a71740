#!/usr/bin/env python3
"""Brings an existing configuration and database up to date: ``attendance upgrade`` with the given options."""

import sys

from attendance.cli import main

if __name__ == "__main__":
    sys.exit(main(["upgrade", *sys.argv[1:]]))
