"""Methods of kind merge, one file each."""
