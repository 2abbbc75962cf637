"""`TF_CONFIG` of two workers on 127.0.0.1, both of which run this process's consumer.

Example:
    two_workers.join()
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
"""

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys


def join() -> None:
    """Sets `TF_CONFIG`. The first worker starts the second, with its own arguments."""
    if "TF_CONFIG" in os.environ:
        return
    addresses = free_addresses(2)
    first, second = (
        json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})
        for index in range(2)
    )
    program = "benchmarks.portability.run_consumer"
    worker = subprocess.Popen(
        [sys.executable, "-m", program, *sys.argv[1:]],
        env={**os.environ, "TF_CONFIG": second},
        stdout=subprocess.DEVNULL,
    )
    atexit.register(worker.kill)
    os.environ["TF_CONFIG"] = first


def free_addresses(count: int) -> list[str]:
    """Returns addresses of this machine that no program listens to."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
