"""Pure rules: values in, values out. No file, clock, thread or network."""
