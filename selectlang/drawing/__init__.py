"""Drawings of specs: the graph of stages as text, Mermaid and SVG."""
