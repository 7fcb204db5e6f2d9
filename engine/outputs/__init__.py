"""Where finished frames go: window, recorder, stills."""
