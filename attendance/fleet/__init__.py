"""The centre: every gate's scans in one place, and every gate in sight."""
