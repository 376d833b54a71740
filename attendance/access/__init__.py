"""Who may open the pages: passwords, guessing that is slowed, sessions, roles. It knows neither schools nor gates."""
