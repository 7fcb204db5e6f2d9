"""What the sound says, hop by hop: one file a feature, put together by `analysis`."""
