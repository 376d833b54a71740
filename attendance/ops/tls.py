"""TLS for the web server, inside its socket loop: a peer that is slow to shake hands holds nobody up."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from attendance.errors import AttendanceError

RECORD_BYTES = 16_384
"""The longest TLS record (RFC 8446, 5.1). OpenSSL takes one from the socket at a time, so reading that much at once
leaves nothing behind in its buffer, of which the socket loop would not know."""


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server's context, TLS 1.2 and newer.

    Args:
        certificate: PEM file with the certificate and those that vouch for it.
        key: PEM file with its key, without a password.

    Raises:
        AttendanceError: a file cannot be read, or they do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(certificate, key, password="")  # without one OpenSSL would ask at the terminal
    except (OSError, ValueError) as error:
        raise AttendanceError(
            f"The certificate {str(certificate)!r} with the key {str(key)!r} cannot be used ({error}). Check that both"
            " are PEM files that belong together, that this user may read them and that the key has no password."
        ) from error
    return context


def wrap(connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """The accepted connection under TLS; the handshake comes when the peer has sent its part.

    Raises:
        OSError: the peer is gone already.
    """
    connection.setblocking(False)
    return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)


class TlsConnection:
    """What a waitress channel does differently when its socket is an ``SSLSocket``: mixed in before ``HTTPChannel``.

    A worker thread that answers and the loop never use the socket at once: the loop reads only while no request is
    worked on, and both write under the channel's lock.
    """

    socket: ssl.SSLSocket
    recv: Callable[[int], bytes]
    received: Callable[[bytes], bool]
    handle_close: Callable[[], None]
    connected: bool
    _secured = False
    _handshake_waits_to_write = False

    def handle_read(self) -> None:
        try:
            if not self._secured:
                self._handshake_waits_to_write = False
                self.socket.do_handshake()
                self._secured = True
            data = self.recv(RECORD_BYTES)
        except ssl.SSLWantReadError:
            return
        except ssl.SSLWantWriteError:
            self._handshake_waits_to_write = not self._secured
            return
        except OSError:
            self.handle_close()
            return
        if data:
            self.received(data)

    def writable(self) -> bool:
        return self._handshake_waits_to_write or bool(super().writable())  # type: ignore[misc]

    def handle_write(self) -> None:
        if self._handshake_waits_to_write:
            self.handle_read()
        else:
            super().handle_write()  # type: ignore[misc]

    def send(self, data: bytes, do_close: bool = True) -> int:
        try:
            return int(super().send(data, do_close=do_close))  # type: ignore[misc]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
