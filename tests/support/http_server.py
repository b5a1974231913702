"""The base of HTTP servers in tests."""

import threading
from http.server import ThreadingHTTPServer


class HttpServer(ThreadingHTTPServer):
    """A server on its own port, which serves in a thread from `with` to its end."""

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
        self.thread.join()
