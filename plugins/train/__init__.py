"""Methods of kind train, one file each."""
