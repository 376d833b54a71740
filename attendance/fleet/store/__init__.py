"""What the centre keeps. The only place with SQL of the centre; nothing here reads across schools by accident."""
