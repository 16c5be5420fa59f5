"""The language: reading a spec, resolving what it extends and imports, and checking it."""
