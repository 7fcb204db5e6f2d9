"""What moves z: one file a mover."""
