"""Network architectures, one file each, as plain torch modules."""
