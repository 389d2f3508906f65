"""The stand-in Slicer for its own tests."""

from slicer_host.fixtures import click, process_events, slicer_host

__all__ = ["click", "process_events", "slicer_host"]
