"""How payloads are read: one dialect a file, each a pure function from bytes to records."""
