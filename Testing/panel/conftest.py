"""The stand-in Slicer for the panel's tests."""

from slicer_host.fixtures import click, process_events, slicer_host

__all__ = ["click", "process_events", "slicer_host"]
