"""The one place that holds the version: read by the build, by reports and, un-installed, by Slicer."""

__version__ = "0.1.0"
