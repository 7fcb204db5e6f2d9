"""What a parameter may hold. Apart from the other types, so that a command line is read without loading numpy."""

Value = float | int | bool | str | tuple[float, ...]
