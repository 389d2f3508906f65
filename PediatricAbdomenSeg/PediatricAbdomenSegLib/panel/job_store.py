"""Jobs on disk: one private folder each, so that no result is lost when Slicer ends before it could show it.

A folder holds ``job.json``, the volume handed to the worker, and ``result/``, which the worker writes whole or not at
all. It is removed once the result is in the scene or the job has failed: images of patients do not pile up. What could
not be removed then, or belongs to a session that was killed, goes later.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ..engine.cases.atomic_file import as_resource_error, replaced_when_complete
from ..engine.errors import ResourceError
from ..engine.worker.protocol import Segment
from ..engine.worker.result_folder import RESULT_NAME
from .session_lock import SessionLock, is_alive

SCHEMA_VERSION = 1
_JOB_NAME, _RESULT_FOLDER, _SESSIONS_FOLDER = "job.json", "result", "sessions"

WRITING, QUEUED, RUNNING, FINISHED, DISCARDED = "writing", "queued", "running", "finished", "discarded"
UNCLAIMED, INTERRUPTED = "unclaimed", "interrupted"
_PRIVATE_FOLDER = re.compile(r"[a-z]+-(?P<session>[0-9a-f]{12})-.+")


@dataclass(frozen=True)
class Job:
    """One volume to segment.

    Attributes:
        id: also the name of the folder and the id of the request.
        folder: holds everything of this job.
        request: what the worker is asked; its input lies in the folder, its output is `result_folder`.
        context: what the panel needs to find the place of the result again, for example the volume node's id. JSON;
            never a patient's name.
        created: local time, ISO 8601.
    """

    id: str
    folder: Path
    request: Segment
    context: Mapping[str, Any]
    created: str

    @property
    def result_folder(self) -> Path:
        """Exists once the result is complete."""
        return self.folder / _RESULT_FOLDER


@dataclass(frozen=True)
class LeftJob:
    """A job of an earlier session, or one whose result nobody took.

    Attributes:
        job: the job.
        state: "unclaimed" (the result is there) or "interrupted" (it is not; the job can be submitted again).
        record: content of result.json; None for an interrupted job.
    """

    job: Job
    state: str
    record: dict[str, Any] | None


class JobStore:
    """The job folders below one folder.

    Args:
        folder: made if needed, readable by this user only.
        now: local time.

    Raises:
        ResourceError: the folder cannot be made or written to.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime] = datetime.now) -> None:
        self.folder = Path(folder)
        self._now = now
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            self._lock = SessionLock(self.folder / _SESSIONS_FOLDER)
            self._remove_private_folders()
        except OSError as error:
            raise as_resource_error(error, self.folder) from error

    def create(self, request: Segment, context: Mapping[str, Any], write_input: Callable[[Path], Path]) -> Job:
        """Make a job of this session.

        Args:
            request: its id, input and output are filled in here.
            context: see `Job`.
            write_input: writes the volume into the folder it is given and returns the file's path.

        Raises:
            ResourceError: no space or no right to write. Whatever ``write_input`` raises passes through; no folder is
                left behind then.
        """
        created = self._now()
        job_id = f"{created:%y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        folder = self.folder / job_id
        request = replace(request, id=job_id, input="", output=str(folder / _RESULT_FOLDER))
        job = Job(job_id, folder, request, dict(context), created.isoformat(timespec="seconds"))
        try:
            folder.mkdir(mode=0o700)
            self.mark(job, WRITING)  # first, so that half a volume is found and removed should Slicer crash now
            job = replace(job, request=replace(request, input=str(write_input(folder))))
            self.mark(job, QUEUED)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise as_resource_error(error, folder) from error
            raise
        return job

    def private_folder(self, purpose: str) -> Path:
        """A new folder, readable by this user only, for images of patients that this session alone has a use for.

        Whoever asked for it removes it; the next session removes what a killed one has left.

        Args:
            purpose: small letters a to z, for whoever looks into the folder of jobs.

        Raises:
            ResourceError: it cannot be made.
        """
        try:
            return Path(tempfile.mkdtemp(prefix=f"{purpose}-{self._lock.token}-", dir=self.folder))
        except OSError as error:
            raise as_resource_error(error, self.folder) from error

    def mark(self, job: Job, state: str) -> None:
        """Note the job's state; the job belongs to this session from now on. Raises `ResourceError`."""
        content = {
            "schema_version": SCHEMA_VERSION,
            "state": state,
            "session": self._lock.token,
            "created": job.created,
            "request": asdict(job.request),
            "context": dict(job.context),
        }
        with replaced_when_complete(job.folder / _JOB_NAME) as partial:
            partial.write_text(json.dumps(content, indent=1), encoding="utf-8")

    def discard(self, job: Job) -> None:
        """Remove the job's folder: its result is in the scene, or nobody wants it.

        Raises:
            ResourceError: it cannot be removed, for example because another program has a file open. It is tried
                again by `unfinished_or_unclaimed`.
        """
        if not job.folder.exists():
            return
        with suppress(ResourceError):  # a full disk does not keep anything from being removed
            self.mark(job, DISCARDED)
        try:
            _remove(job.folder)
        except OSError as error:
            raise ResourceError(
                f"{job.folder} cannot be removed: {error.strerror}.",
                "It holds images of a patient: close other programs that use it and remove it.",
            ) from error

    def unfinished_or_unclaimed(self) -> tuple[LeftJob, ...]:
        """Jobs to offer, the oldest first: of sessions that have ended, and finished ones of this session.

        Jobs of another Slicer that still runs, and those of this session that run or wait, are not among them. What
        can neither be shown nor run again is removed.
        """
        found = []
        for path in sorted(self.folder.glob(f"*/{_JOB_NAME}")):
            content = _read_json(path)
            job = None if content is None else _job(path.parent, content)
            if job is None or not self._may_take(content):
                continue
            record = _read_json(job.result_folder / RESULT_NAME)
            if record is not None and content["state"] != DISCARDED:
                found.append(LeftJob(job, UNCLAIMED, record))
            elif content["state"] in (QUEUED, RUNNING, FINISHED) and Path(job.request.input).is_file():
                found.append(LeftJob(job, INTERRUPTED, None))
            else:
                with suppress(OSError):  # still open in another program: the next time
                    _remove(job.folder)
        return tuple(found)

    def _may_take(self, content: Mapping[str, Any]) -> bool:
        if content["session"] == self._lock.token:
            return content["state"] in (FINISHED, DISCARDED)
        return not is_alive(self.folder / _SESSIONS_FOLDER, content["session"])

    def _remove_private_folders(self) -> None:
        """Remove those of sessions that have ended."""
        for path in self.folder.iterdir():
            match = _PRIVATE_FOLDER.fullmatch(path.name)
            if match is not None and not is_alive(self.folder / _SESSIONS_FOLDER, match["session"]):
                shutil.rmtree(path, ignore_errors=True)

    def close(self) -> None:
        """This session ends: its jobs may be offered by the next one, its private folders go."""
        self._lock.release()
        with suppress(OSError):  # the next one tries again
            self._remove_private_folders()


def _remove(folder: Path) -> None:
    """Remove a job's folder, job.json last: without that nobody would ever find what cannot be removed now."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != _JOB_NAME:
            path.unlink()
    shutil.rmtree(folder)


def _read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object; None where the file is absent, cut short or something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _job(folder: Path, content: Mapping[str, Any]) -> Job | None:
    """The job a job.json tells of; None where another version of this software wrote it."""
    try:
        fields = {
            name: tuple(value) if isinstance(value, list) else value for name, value in content["request"].items()
        }
        job = Job(folder.name, folder, Segment(**fields), content["context"], content["created"])
        known = content["schema_version"] == SCHEMA_VERSION and isinstance(content["session"], str)
    except (KeyError, TypeError, AttributeError):
        return None
    return job if known and "state" in content else None
