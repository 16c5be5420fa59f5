"""The engine: walks a checked program, and keeps every result in the store."""
