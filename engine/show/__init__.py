"""A performance: in real time or as a film. Wires the instrument to sound, generator, stage, windows, outputs and remotes."""
