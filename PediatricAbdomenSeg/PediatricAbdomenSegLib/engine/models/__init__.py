"""Model bundles: what a bundle declares, where bundles live and whether their files are intact."""
