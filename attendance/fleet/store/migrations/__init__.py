"""How the schema came to be; ``attendance.fleet.store.engine.upgrade`` runs it."""
