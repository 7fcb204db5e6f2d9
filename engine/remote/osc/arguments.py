"""The arguments of a message as the one value that a parameter is asked to take."""

from collections.abc import Sequence
from struct import unpack

from engine.core.params import Param, ParamError
from engine.remote.osc.packet import Colour, TimeTag

LONGEST_TEXT = 1024  # characters
BANG = "bang"  # Max and Pure Data say so
LONGEST_VECTOR = 1024  # numbers, where the parameter does not say how many


def value_of(param: Param, arguments: Sequence[object]) -> object:
    """One argument, or a vector's numbers one by one or as one blob of big-endian float32; none is the press of a trigger.

    What the value may be is the parameter's own affair. Raises ParamError for too many arguments, and too long ones.
    """
    first = arguments[0] if arguments else True  # a trigger without arguments fires
    if param.kind == "trigger" and first == BANG:
        return True
    if isinstance(first, TimeTag) or (isinstance(first, Colour) and param.kind != "vector"):
        got = "a time tag" if isinstance(first, TimeTag) else "a colour"
        raise ParamError(f"expected {param.kind} for {param.name}; got {got}")
    if param.kind == "vector":
        longest = max(param.counts, default=LONGEST_VECTOR)
        if len(arguments) == 1 and isinstance(first, bytes):
            if len(first) % 4 or len(first) > 4 * longest or (param.counts and not first):
                raise ParamError(f"expected a blob of at most {longest} float32 for {param.name}; got {len(first)} bytes")
            return unpack(f">{len(first) // 4}f", first)
        if len(arguments) == 1 and isinstance(first, Colour):
            of_three = param.counts and 4 not in param.counts
            return tuple(part / 255.0 for part in (first[:3] if of_three else first))
        if len(arguments) > longest:
            raise ParamError(f"expected at most {longest} numbers for {param.name}; got {len(arguments)}")
        return arguments
    if len(arguments) > 1:
        raise ParamError(f"expected one {param.kind} for {param.name}; got {len(arguments)} arguments")
    if isinstance(first, str) and len(first) > LONGEST_TEXT:
        raise ParamError(f"expected a text of at most {LONGEST_TEXT} characters for {param.name}; got {len(first)}")
    return first
