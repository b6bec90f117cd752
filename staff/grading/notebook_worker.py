"""Inside the jail: runs one notebook with the student's functions and hands back what it shows.

    python -I notebook_worker.py KIT TREE NAME

KIT holds the instructor's notebook without outputs, TREE the student's package. The notebook runs
in a kernel of its own, over sockets in a folder of the jail: nothing here needs a network. After
each cell one frame goes out (exchange.py): the cell's words as JSON, its pictures as plain pixels.
So the parent decodes no picture that a student's process made. Read next: notebooks.py.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

READY, CELL, STOPPED = "ready", "cell", "stopped"
MAX_PIXELS = 16 * 2**20  # of one picture or film, all frames together
START_S = 60  # for the kernel to start


def main(kit: Path, tree: Path, name: str) -> None:
    """Run the notebook to its end, or to where it cannot go on."""
    sys.path.insert(0, str(kit))
    from staff.grading.exchange import pack

    descriptor = int(os.environ.pop("HW5_REPLY_FD"))
    os.set_inheritable(descriptor, False)  # the kernel gets no way to speak to the parent
    with os.fdopen(descriptor, "wb") as reply:

        def say(kind: str, arrays: dict | None = None, **words: str) -> None:
            reply.write(pack({"kind": kind, **words}, arrays))
            reply.flush()

        run(kit / "notebooks" / f"{name}.ipynb", tree, say)


def run(path: Path, tree: Path, say: Callable[..., None]) -> None:
    """Run every code cell and say what it showed."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    book = nbformat.read(path, as_version=4)
    client = NotebookClient(
        book,
        km=kernel_over_files(),
        allow_errors=True,
        record_timing=False,
        store_widget_state=False,
        startup_timeout=START_S,
        resources={"metadata": {"path": str(tree / "notebooks")}},
    )
    with client.setup_kernel(env=os.environ | {"PYTHONPATH": str(tree)}):
        say(READY)
        for index, cell in enumerate(book.cells):
            if cell.cell_type != "code":
                continue
            client.timeout = cell.metadata.get("hw5", {}).get("timeout", client.timeout)
            try:
                client.execute_cell(cell, index)
            except (CellTimeoutError, DeadKernelError) as error:
                late = isinstance(error, CellTimeoutError)
                what = f"took longer than {client.timeout:g} s" if late else "ended the kernel"
                say(STOPPED, cell=cell.id, text=what)
                return
            say_cell(cell, say)


def kernel_over_files() -> object:
    """What starts our kernel, its sockets in the jail's home."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    launcher = Path(__file__).with_name("notebook_kernel.py")

    class OurSpec(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            words = [sys.executable, str(launcher), "-f", "{connection_file}"]
            return KernelSpec(argv=words, display_name=kernel_name, language="python")

    sockets = Path(os.environ["HOME"]) / "kernel"
    return AsyncKernelManager(
        kernel_spec_manager=OurSpec(), transport="ipc", ip=str(sockets), kernel_name="python3"
    )


def say_cell(cell: dict, say: Callable[..., None]) -> None:
    """Say what a cell shows."""
    import numpy as np

    from hw5.testing.outputs import take_apart

    bare, files = take_apart(cell["outputs"])
    films: dict[str, np.ndarray] = {}
    for number, data in enumerate(files):
        try:
            films[str(number)] = pixels(data)
        except Exception as error:  # whatever a broken picture makes a decoder raise
            say(CELL, cell=cell["id"], outputs="[]", trouble=f"picture {number + 1}: {error}"[:300])
            return
    say(CELL, films, cell=cell["id"], outputs=json.dumps(bare))


def pixels(data: bytes) -> object:
    """A picture file as uint8 (frames, H, W, 3).

    Raises:
        ValueError: too large, or frames of several sizes.
    """
    import io

    import numpy as np
    from PIL import Image

    from hw5.testing.pictures import frames_of

    with Image.open(io.BytesIO(data)) as picture:
        count = picture.width * picture.height * getattr(picture, "n_frames", 1)
    if count > MAX_PIXELS:
        raise ValueError(f"{count} pixels, at most {MAX_PIXELS} are read")
    return np.stack(frames_of(data))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
