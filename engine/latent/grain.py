"""The network's own noise group by group: low onsets can shake large shapes, hats the grain (after maua)."""

from engine.latent.groups import GroupFactors, shares
from engine.registry import register


@register("live", "grain")
class Grain(GroupFactors):
    """/network/grain/*: how strongly noise enters the layers."""

    coarse, middle, fine = shares("Noise", 4.0)
