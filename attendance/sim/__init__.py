"""Simulators shipped with the product: gate camera, school, cards, and the phone that messages leave by."""
