"""Methods of kind embed, one file each."""
