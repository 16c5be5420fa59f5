"""report.html, and the random control that stands in it: what a run chose, for people to see."""
