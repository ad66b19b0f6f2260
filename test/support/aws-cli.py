"""The real AWS CLI, loaded once: it takes most of a second to start, and a preflight asks thirty times.

Listens on a socket; a request is a line of JSON {"args", "input"}, the answer one of {"code", "stdout", "stderr"}. Commands that read
/dev/stdin get their input from a file of this process's own.
"""
import contextlib
import io
import json
import socketserver
import sys
import tempfile

from awscli.clidriver import create_clidriver

# What every command needs is read before the first; each then has a process of its own, as it would have without us.
driver = create_clidriver()
for service in ["ec2", "rds", "secretsmanager"]:
    driver.session.get_component("data_loader").load_service_model(service, "service-2")


class Text(io.TextIOWrapper):
    def __init__(self):
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def whole(self):
        return self.buffer.getvalue().decode("utf-8")


def run(args, given):
    out, err = Text(), Text()
    with tempfile.NamedTemporaryFile() as file, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        file.write(given.encode("utf-8"))
        file.flush()
        try:
            code = driver.main([arg.replace("/dev/stdin", file.name) for arg in args])
        except SystemExit as end:
            code = end.code
    return {"code": code, "stdout": out.whole(), "stderr": err.whole()}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        request = json.loads(self.rfile.readline())
        self.wfile.write(json.dumps(run(request["args"], request["input"])).encode("utf-8"))


class Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    request_queue_size = 64


with Server(sys.argv[1], Handler) as server:
    print("ready", flush=True)
    server.serve_forever()
