"""The one form of a spec: what `selectlang fmt` writes."""
