"""Documented import path of the delivery reports."""
