"""The thin shell: one outside thing per file, its exceptions translated once, here."""
