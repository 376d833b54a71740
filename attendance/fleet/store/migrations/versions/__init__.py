"""One file a step. Files of earlier versions are never edited."""
