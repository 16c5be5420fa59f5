"""Results on disk: content-addressed entries, and port values as files."""
