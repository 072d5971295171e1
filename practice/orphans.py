"""What a process of ours started ends with it, also when it is killed and can end nothing by itself."""

import ctypes
import signal

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)  # loaded here: between fork and exec is no time to look for it


def end_with_parent() -> None:
    """When the thread that started this process ends, Linux sends SIGTERM. For `preexec_fn` where it is the main thread
    that starts the program, and for a process of its own.
    """
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
