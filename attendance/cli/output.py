"""What programs read from a verb."""

import json


def print_json(value: object) -> None:
    """For ``--json``: one document, letters as they are."""
    print(json.dumps(value, ensure_ascii=False, indent=2))
