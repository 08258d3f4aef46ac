"""The paper's laboratory: its sequence files, its figures, and how good its generators are.

What a login needs is not here. numpy, scipy and matplotlib are loaded in this folder alone, by the
modules that need them: ``pip install 'sshknock[analysis]'``.
"""
