"""Measurements of a performance as it runs, made from outside where that is possible."""
