"""The pages of the door, and what every page behind it is guarded by."""
