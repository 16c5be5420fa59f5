"""Methods of kind judge, one file each."""
