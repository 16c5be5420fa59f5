"""A plugin that fails while it is imported."""

raise RuntimeError("the moon is not\nin the right phase")
