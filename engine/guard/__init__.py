"""What keeps a show alive: health figures, and watching over the processes."""
