"""``python -m attendance`` is the command ``attendance``."""

import sys

from attendance.cli import main

sys.exit(main())
