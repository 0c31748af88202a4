"""OpenSSH's ProxyCommand (with ProxyUseFdpass): hands it a socket from within the lab.

python -m tools.lab.net.proxy NAMESPACE ADDRESS PORT
"""

import socket
import sys

from tools.lab.net import namespaces

CONNECT_SECONDS = 10


def main(namespace: str, address: str, port: str) -> None:
    """Connect in the namespace, and pass the socket on over standard output."""
    connection = namespaces.connect(namespace, address, int(port), CONNECT_SECONDS)
    connection.settimeout(None)
    with socket.socket(fileno=sys.stdout.fileno()) as openssh:
        socket.send_fds(openssh, [b"\0"], [connection.fileno()])


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"{' '.join(sys.argv[2:])}: {error}")
