"""MRML only: volumes, segmentations and their display in whatever scene is passed in; no Qt, no application."""
