"""The bridge between enforcement databases: collect seizures, map them once, share them with who may see them."""

__version__ = "0.1.0"
