"""Writes down what a runner tells."""

from __future__ import annotations

from PediatricAbdomenSegLib.panel.job_runner import JobRunner, RunnerEvents


class Diary:
    """What a runner told, in order; jobs are kept with what was said of them."""

    def __init__(self, runner: JobRunner):
        self.states, self.progress, self.results, self.failures, self.cancelled, self.log = [], [], [], [], [], []
        runner.listen(
            RunnerEvents(
                self.states.append,
                lambda job, event: self.progress.append((job, event)),
                lambda job, record: self.results.append((job, record)),
                lambda job, error: self.failures.append((job, error)),
                self.cancelled.append,
                self.log.append,
            )
        )

    @property
    def finished(self):
        """Jobs that gave a result."""
        return [job for job, _ in self.results]

    @property
    def errors(self):
        """What jobs failed with."""
        return [error for _, error in self.failures]
