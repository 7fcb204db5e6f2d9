"""One module a command of the command line; each offers a click command named `command`, and `numbers` what they share."""
