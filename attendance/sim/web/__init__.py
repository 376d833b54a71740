"""The API and the page of the simulated phone."""
