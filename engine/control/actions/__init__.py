"""What a performer can ask of the show as a whole: one file an action."""
