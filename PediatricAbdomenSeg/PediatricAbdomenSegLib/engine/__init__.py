"""The engine: everything that needs neither Slicer nor Qt."""
