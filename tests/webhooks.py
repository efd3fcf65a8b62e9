"""A web server of the test's own that takes messages, and keeps what was posted."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Webhook:
    """posts: (path, body, headers) of each POST; answers: path -> (status, headers), 200 for any other."""

    def __init__(self, port):
        self.at, self.posts, self.answers = f"http://127.0.0.1:{port}", [], {}

    def bodies(self):
        return [body for _, body, _ in self.posts]


@contextlib.contextmanager
def listening():
    """Yields a Webhook that takes messages until this block ends."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            webhook.posts.append((self.path, body, dict(self.headers)))
            status, headers = webhook.answers.get(self.path, (200, {}))
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def do_GET(self):
            webhook.posts.append((self.path, "GET", {}))
            self.send_error(418)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.daemon_threads = True
    webhook = Webhook(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
