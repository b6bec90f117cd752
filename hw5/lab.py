"""JupyterLab without the wait: small messages leave the server at once, and none is said twice.

Offers `PromptConnection`, which `make lab` names to the server:

    jupyter lab --ServerApp.kernel_websocket_connection_class=hw5.lab.PromptConnection

A picture for a slider leaves the kernel as two messages. Jupyter's server keeps TCP's default,
which holds the second one back until the first is acknowledged (Nagle 1984, RFC 896): with
nothing else to do, 23 of the 56 ms between a key press and the picture (`bench browser`; 95 %
within 38 ms instead of 63). Where other work wants the same cores, the difference drowns.

Kernels that such a server starts do not echo: ipywidgets sends every value of a slider back to the
page that it came from, for other pages that show the same kernel, and the picture waits behind it
(about a tenth of the time). With a second page beside, set JUPYTER_WIDGETS_ECHO=1. Read next:
ui/latest.py.
"""

from __future__ import annotations

import asyncio
import os

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

os.environ.setdefault("JUPYTER_WIDGETS_ECHO", "0")  # the server's kernels inherit it


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's connection of a page with a kernel, sending each message at once."""

    def connect(self) -> asyncio.Future[None] | None:
        """Set TCP_NODELAY, then connect as usual."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
