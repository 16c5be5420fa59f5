"""What editors know of specs: a JSON Schema."""
