"""What is seen on a desktop: the audience's window, the operator's, keys."""
