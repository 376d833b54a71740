"""The parts of ``bench/sms.py``."""
