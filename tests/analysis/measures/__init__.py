"""The measures held against what can be computed by hand."""
