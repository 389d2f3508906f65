"""Training a bundle with nnU-Net's own planner and trainer, and exporting it."""
