"""What shapes a signal between its source and its routes: one file a controller."""
