"""The demonstration: a pool of planted quality, and what specs choose from it."""
