"""Hands from elsewhere: OSC and MIDI, all derived from the parameter tree."""
