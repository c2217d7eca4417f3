"""The address of a Ray cluster, looked at before Ray is loaded."""

import os
import socket

from ctc.errors import BadInput

ADDRESS = "RAY_ADDRESS"
ANSWERS_WITHIN_S = 10.0


def check_address() -> None:
    """Refuse an address where nothing answers; Ray would try it for minutes.

    Raises:
        BadInput: naming it.
    """
    address = os.environ.get(ADDRESS)
    if not address:
        return
    host, _, port = address.rpartition(":")
    if "/" in address or not host or not port.isdigit():
        raise BadInput(f"{ADDRESS}: found '{address}'; allowed: HOST:PORT of a cluster's head")
    try:
        socket.create_connection((host, int(port)), ANSWERS_WITHIN_S).close()
    except (OSError, OverflowError) as error:
        raise BadInput(
            f"no Ray cluster answers at '{address}', which {ADDRESS} names: {error}"
        ) from error
