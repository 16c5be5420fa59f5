"""Methods of kind generate, one file each."""
