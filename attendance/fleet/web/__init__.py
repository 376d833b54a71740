"""The centre's API and pages."""
