"""What all features share: the hop, its spectrum, and the analysis that steps them in order."""
