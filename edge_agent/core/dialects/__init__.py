"""One file per payload shape.

Each dialect gets the text of a message and its ``source.Source``; the first that does not return
``None`` has recognized its shape.
"""
