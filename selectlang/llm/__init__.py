"""Asking language models: one door, through litellm, with every answer kept before it is used."""
