"""Training: one recipe a file, registered by name; what all share is the trainer, the checkpoints and the data."""
