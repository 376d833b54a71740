"""Exchange with the centre: what a gate has recorded goes up, what the school decides comes down."""
