# SPDX-License-Identifier: MIT
"""A relay between a client of HTTP/2 and kvs that counts the pings of kvs and the client's answers to them."""
import socket
import threading

PREFACE, HEADER = 24, 9
PING, ACK = 6, 1
TIMEOUT = 60  # seconds; it decides no test that passes


class Relay:
    def __init__(self, port):
        self.changed = threading.Condition()
        self.clients = self.pings = self.answers = 0
        self.server_port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = [self.listener]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        for each in self.sockets:
            self.end(each)
            each.close()

    @staticmethod
    def end(end):
        """Wakes the thread that reads it, too."""
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.server_port))
            self.sockets += client, server
            with self.changed:
                self.clients += 1
            for ends in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.relay, args=ends, daemon=True).start()

    def relay(self, source, target, is_clients):
        buffer = b""
        skip = PREFACE if is_clients else 0
        try:
            while content := source.recv(65536):
                target.sendall(content)
                buffer += content
                if skip and len(buffer) >= skip:
                    buffer, skip = buffer[skip:], 0
                buffer = buffer if skip else self.count(buffer, is_clients)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            self.end(target)  # a client that ends with bytes unread resets its connection

    def count(self, buffer, is_clients):
        """Counts whole frames, and returns the rest."""
        while len(buffer) >= HEADER:
            size = HEADER + int.from_bytes(buffer[:3], "big")
            if len(buffer) < size:
                break
            if buffer[3] == PING and is_clients == bool(buffer[4] & ACK):
                with self.changed:
                    self.answers += is_clients
                    self.pings += not is_clients
                    self.changed.notify_all()
            buffer = buffer[size:]
        return buffer

    def wait_for_answers(self, count):
        with self.changed:
            if not self.changed.wait_for(lambda: self.answers >= count, TIMEOUT):
                raise AssertionError(f"{self.pings} pings, {self.answers} answers")
