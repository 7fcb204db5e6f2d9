"""MIDI: inputs by name, what their messages mean, and which parameters they move."""
