"""Methods of kind score, one file each."""
