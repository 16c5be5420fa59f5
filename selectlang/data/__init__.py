"""Rows: reading them from files in any common shape and format, and writing selections of them."""
