"""JupyterLab without the wait: small messages leave the server at once.

Offers `PromptConnection`, which `make lab` names to the server:

    jupyter lab --ServerApp.kernel_websocket_connection_class=hw5.lab.PromptConnection

A picture for a slider leaves the kernel as two messages. Jupyter's server keeps TCP's default,
which holds the second one back until the first is acknowledged (Nagle 1984, RFC 896): 33 of the
55 ms between a key press and the picture. Read next: ui/latest.py.
"""

from __future__ import annotations

import asyncio

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's connection of a page with a kernel, sending each message at once."""

    def connect(self) -> asyncio.Future[None] | None:
        """Set TCP_NODELAY, then connect as usual."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
