"""Simulators shipped with the product: gate camera, school, cards."""
