"""What the worker runs on: its packages and the machine's devices."""
