"""What happens when a device's memory does not suffice: less is kept on it, and at last the processor takes over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..errors import ResourceError
from .devices import DeviceChoice

Result = TypeVar("Result")


def run_where_memory_suffices(
    device: DeviceChoice,
    attempt: Callable[[str, str], Result],
    release: Callable[[str], None],
    spare: bool = False,
) -> tuple[Result, DeviceChoice]:
    """Try a run on a device, then with the logits kept in the computer's memory, then on the processor.

    Args:
        device: the first choice.
        attempt: called with (device, where the logits are kept); runs from the beginning each time.
        release: called with a device's name after its memory ran out.
        spare: leave out the first step, keep nothing on the device that need not be there.

    Returns:
        The result, and the device it came from with a note on each attempt that failed.

    Raises:
        ResourceError: the computer's own memory does not suffice.
    """
    notes = list(device.notes)
    places = [] if device.name == "cpu" else [(device.name, "cpu")]
    if device.name.startswith("cuda") and not spare:
        places.insert(0, (device.name, device.name))
    for name, keep_on in places:
        try:
            return attempt(name, keep_on), DeviceChoice(name, tuple(notes))
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
        # Outside the except block: there the traceback still holds the tensors that filled the memory.
        kept = "there" if keep_on == name else "in the computer's memory"
        notes.append(f"The memory of {name} did not suffice with the logits kept {kept}.")
        release(name)
    try:
        return attempt("cpu", "cpu"), DeviceChoice("cpu", tuple(notes))
    except (RuntimeError, MemoryError) as error:
        if not _is_out_of_memory(error):
            raise
        raise ResourceError(
            "The memory of this computer does not suffice for the run.",
            "Close other programs, choose a low-resolution configuration, or crop the images.",
        ) from error


def _is_out_of_memory(error: BaseException) -> bool:
    """torch has a class for it only on NVIDIA's GPUs; its other allocators say so in a plain RuntimeError."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(phrase in str(error) for phrase in ("out of memory", "not enough memory", "can't allocate memory"))
