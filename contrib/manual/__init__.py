"""Man pages and shell completion, made of what the programs say of themselves.

A wheel gets them as it is built (``hatch_build.py``), so they are never older than the programs;
``python -m contrib.manual FOLDER`` writes them as they belong below a ``share``.
"""
