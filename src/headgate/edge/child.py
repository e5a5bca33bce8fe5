"""A child process that answers questions over its pipes, and is killed when it answers too late.

For work that cannot be interrupted from within: a pattern that backtracks for ever, a query that does. A thread
will not do (regress holds the GIL, DuckDB looks for interrupts only between vectors), and `multiprocessing`
imports the caller's ``__main__`` again, which ``python -c`` and notebooks do not survive. So: a fresh interpreter
that runs one module of ours, and frames of bytes on its standard input and output.

Not verified: that a child dies at once with its parent if it holds the GIL. It is bounded all the same, by a limit
on its CPU time that the kernel holds.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Self, cast

if sys.platform != "win32":
    import resource

_LENGTH_BYTES = 8
_KEEP = frozenset(
    {"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL"}
)
_CPU_SECONDS_SPARE = 5
_REST_S = 10.0


class ChildLate(Exception):
    """No answer within the time; the child has been killed."""


class ChildDied(Exception):
    """The child ended without an answer: it crashed, or ran out of memory."""


class Child:
    """One child running ``python -m module``. Use it as a context manager: leaving kills the child.

    The child gets no environment but what an interpreter needs: there are no credentials in it.
    """

    def __init__(self, module: str) -> None:
        # -P: a json.py in the user's folder must not become ours. The parent's sys.path is handed on instead.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
        self._questions = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)

    def ask(self, question: bytes, timeout_s: float) -> bytes:
        """Send one frame and wait for the answering one, ``timeout_s`` seconds at most.

        Raises ChildLate or ChildDied; the child is gone then.
        """
        process, late = self._process, threading.Event()

        def kill() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(timeout_s, kill)
        timer.daemon = True
        timer.start()
        try:
            write_frame(self._questions, question)
            answer = read_frame(self._answers)
        except OSError:
            answer = None
        finally:
            timer.cancel()
        if answer is None:
            process.kill()
            process.wait()
            if late.is_set():
                raise ChildLate(f"no answer within {timeout_s:g} s")
            raise ChildDied(f"the child process ended with code {process.returncode}")
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._questions, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()


_idle: dict[tuple[int, str], Child] = {}  # by process and module: a fork must not share its parent's pipes


@contextmanager
def borrowed(module: str, rest: bytes) -> Iterator[Child]:
    """A child, kept for the next borrower: starting one costs more than most questions.

    ``rest`` is asked when it is given back, so that it forgets what it worked on. One that was killed, or whose
    borrower failed, is not kept; the kept one ends with this process, at the latest when its standard input does.
    """
    child = _idle.pop((os.getpid(), module), None)
    if child is None or not child.alive:
        child = Child(module)
    try:
        yield child
        with contextlib.suppress(ChildLate, ChildDied):  # then it is not kept, and that is all
            if child.alive:
                child.ask(rest, _REST_S)
    except BaseException:
        child.end()
        raise
    spare = _idle.pop((os.getpid(), module), None)
    if spare is not None:  # another thread gave one back meanwhile
        spare.end()
    if child.alive:
        _idle[os.getpid(), module] = child
    else:
        child.end()


@atexit.register
def _end_idle() -> None:
    for (owner, _), child in _idle.items():
        if owner == os.getpid():
            child.end()
    _idle.clear()


def serve(answer: Callable[[bytes], bytes]) -> None:
    """The child's side: answer each frame on standard input until it is closed, then end at once."""
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business; it kills us
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not land between two frames
    questions: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        while (question := read_frame(sys.stdin.buffer)) is not None:
            questions.put(question)
        os._exit(0)  # the parent has gone, perhaps by kill -9: do not finish the query first

    threading.Thread(target=listen, daemon=True).start()
    while True:
        write_frame(out, answer(questions.get()))


def limit_cpu(seconds: float, threads: int = 1) -> None:
    """Have the kernel end this process after ``seconds`` more of CPU time on each of ``threads``."""
    if sys.platform != "win32":
        used = time.process_time()
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        soft = int(used + seconds * threads) + _CPU_SECONDS_SPARE
        if hard == resource.RLIM_INFINITY or soft <= hard:
            resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def limit_memory(size_bytes: int) -> None:
    """Have the kernel refuse this process more private memory than that. Where it cannot (macOS), nothing."""
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard == resource.RLIM_INFINITY or size_bytes <= hard:
            resource.setrlimit(resource.RLIMIT_DATA, (size_bytes, hard))


def write_frame(pipe: IO[bytes], content: bytes) -> None:
    pipe.write(len(content).to_bytes(_LENGTH_BYTES, "big"))
    pipe.write(content)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> bytes | None:
    """The next frame, or None where the pipe ends, be it in the middle of one."""
    head = pipe.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "big")
    content = pipe.read(length)
    return content if len(content) == length else None


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.upper() in _KEEP}
    return kept | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry), "TZ": "UTC"}
