"""The pages and ports of the gate."""
