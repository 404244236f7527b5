"""The planner: `python partner.py PORT` tells each depot's stops after 60 ms."""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Planner(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        time.sleep(0.06)
        depot = int(self.path.split("/")[2])
        body = json.dumps({"stops": [f"Stop {depot * 3 + i}" for i in range(4)]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Planner).serve_forever()
