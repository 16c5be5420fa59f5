"""Methods of kind budget, one file each."""
