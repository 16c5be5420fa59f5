"""Looking at runs: why a row was chosen or not, what was left out, and how two runs or specs differ."""
