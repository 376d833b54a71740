"""All SQL of the gate."""
