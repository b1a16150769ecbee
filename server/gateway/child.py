"""Becomes Envoy, after asking the kernel to kill it when its parent dies: `child.py <parent pid>
<program> <argument>…`.

A parent that is killed cannot stop its children; this way Envoy never outlives it and keeps its
ports. The signal is tied to the *thread* that started this process: start it from one that lives as
long as the service (the event loop's). Done in a program of its own because nothing but exec is
safe between fork and exec in a process that runs gRPC's threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""linux/prctl.h. Survives exec, unlike fork."""


def main() -> None:
    """Does not return, unless the parent is gone already."""
    parent, program = int(sys.argv[1]), sys.argv[2]
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the call above; then somebody else is our parent and no signal
    # will come.
    if os.getppid() == parent:
        # The whole point: no shell, this process becomes the program.
        os.execv(program, sys.argv[2:])  # noqa: S606


if __name__ == "__main__":
    main()
