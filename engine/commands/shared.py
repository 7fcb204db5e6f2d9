"""Numbers on a command line."""

import math
from typing import Any

import click


class Between(click.FloatRange):
    """click's range of numbers, without those that are none: every comparison with NaN is false, so it lies in any range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"expected a finite number; got {value}", param, ctx)
        return number
