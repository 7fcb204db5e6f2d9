"""Truncation group by group: calm shapes with wild colours, or the other way round."""

from engine.latent.groups import GroupFactors, shares
from engine.registry import register


@register("live", "spread")
class Spread(GroupFactors):
    """/network/spread/*: /latent/truncation is multiplied by these."""

    coarse, middle, fine = shares("Truncation", 2.0)
