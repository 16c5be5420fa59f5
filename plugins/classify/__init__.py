"""Methods of kind classify, one file each."""
