"""Rebuilds the embedded edition of the test sets, ``src/wattstar/testsets/mini``, byte for byte."""
