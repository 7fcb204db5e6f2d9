"""Datasets: folders of pictures of one size, made, checked and read."""
