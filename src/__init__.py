"""The documented import paths. Each file re-exports one class from its real home; no logic lives here."""
