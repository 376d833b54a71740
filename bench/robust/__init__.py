"""What the gate's five features of robustness cost and hold: the parts of ``bench/robustness.py``."""
