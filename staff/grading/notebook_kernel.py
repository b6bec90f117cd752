"""A Jupyter kernel for a jail without network: its sockets are files, and no other is opened.

    python notebook_kernel.py -f CONNECTION_FILE

An ordinary kernel opens one TCP port of the loopback whatever it is told, for the output of child
processes that are kernels themselves. Where there is no network the library behind it aborts. We
have no such children, so the port is left out. Read next: notebook_worker.py.
"""

from __future__ import annotations

from typing import Any

from ipykernel import kernelapp

with_port = kernelapp.IOPubThread


def without_port(socket: object, pipe: bool = False, **rest: Any) -> object:  # noqa: ANN401
    """The thread that sends outputs, its port for children not opened."""
    return with_port(socket, pipe=False, **rest)


if __name__ == "__main__":
    kernelapp.IOPubThread = without_port
    kernelapp.launch_new_instance()
