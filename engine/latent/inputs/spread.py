"""Truncation group by group: calm shapes with wild colours, or the other way round."""

from engine.core.registry import register
from engine.latent.layer_groups import GroupFactors, shares


@register("input", "spread")
class Spread(GroupFactors):
    """/network/spread/*: /latent/truncation is multiplied by these."""

    coarse, middle, fine = shares("Truncation", 2.0)
