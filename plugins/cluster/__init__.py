"""Methods of kind cluster, one file each."""
