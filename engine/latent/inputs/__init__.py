"""What a network lets move beyond z, classes, truncation and noise: one file a network input."""
