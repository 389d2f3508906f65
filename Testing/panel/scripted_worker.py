"""A worker process and a clock that tests move by hand; no Qt, no process."""

from __future__ import annotations

import plain_translation  # noqa: F401 the runner's own messages
from PediatricAbdomenSegLib.engine.worker.protocol import Ready, decode_request, encode
from PediatricAbdomenSegLib.panel.worker_end import ProcessEnd


class ScriptedProcess:
    """Remembers what it was told; says what the test wants."""

    program = "/env/bin/python"

    def __init__(self):
        self.requests = []
        self.terminated = self.killed = self.closed = False

    def start(self, on_output, on_log, on_end):
        self.say_bytes, self.log, self.on_end = on_output, on_log, on_end

    def write(self, data):
        self.requests.append(decode_request(data))

    def terminate(self):
        self.terminated = True

    def kill_tree(self):
        self.killed = True

    def close(self, limit_s):
        self.closed = True

    def say(self, *events):
        for event in events:
            self.say_bytes(encode(event))

    def be_ready(self):
        self.say(Ready("0", "3.12", 4711))

    def end(self, code=0, crashed=False, started=True, reason=""):
        self.on_end(ProcessEnd(started, crashed, code, reason))

    def told(self, kind):
        return [request for request in self.requests if isinstance(request, kind)]


class ScriptedProcesses:
    """A process factory; ``last`` is the process made last."""

    def __init__(self):
        self.made = []

    def __call__(self):
        self.made.append(ScriptedProcess())
        return self.made[-1]

    @property
    def last(self):
        return self.made[-1]


class ScriptedClock:
    """Calls later when a test says that time has passed."""

    class _Call:
        def __init__(self, due, call):
            self.due, self.call = due, call

        def cancel(self):
            self.call = None

    def __init__(self):
        self.now, self._calls = 0.0, []

    def __call__(self, seconds, call):
        self._calls.append(self._Call(self.now + seconds, call))
        return self._calls[-1]

    def advance(self, seconds):
        self.now += seconds
        due = [each for each in self._calls if each.due <= self.now]
        self._calls = [each for each in self._calls if each.due > self.now]
        for each in due:
            if each.call is not None:
                each.call()

    @property
    def waiting(self):
        return sum(each.call is not None for each in self._calls)
