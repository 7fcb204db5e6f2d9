"""Open Sound Control: a receiver of our own, and what is sent to whoever follows the show."""
