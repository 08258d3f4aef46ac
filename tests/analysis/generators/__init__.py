"""The laboratory's generators."""
