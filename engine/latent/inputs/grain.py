"""The network's own noise group by group: low onsets can shake large shapes, hats the grain (after maua)."""

from engine.core.registry import register
from engine.latent.layer_groups import GroupFactors, shares


@register("input", "grain")
class Grain(GroupFactors):
    """/network/grain/*: how strongly noise enters the layers."""

    coarse, middle, fine = shares("Noise", 4.0)
