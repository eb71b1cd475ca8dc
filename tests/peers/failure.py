class Failure(Exception):
    """Something was not as it should be."""
