"""The attendance system: a school gate that knows who passes, keeps the record and tells the parents."""

__version__ = "0.3.0"
