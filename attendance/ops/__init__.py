"""What keeps any process alive and visible. Knows nothing of schools."""
