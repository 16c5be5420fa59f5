"""Where specs come from: the git repositories that people agreed to."""
