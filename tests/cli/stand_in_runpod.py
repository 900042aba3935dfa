"""RunPod's REST API v2 on loopback, as its reference describes it (api-reference-v2, read on 29 November
2026): paths, bearer keys, answers, and problem documents for what it does not describe. Faults are
switched on by a test."""

import http.server
import json
import threading

KEY, POD, VOLUME = "rpa_STANDINKEY0123456789", "7h9k2m4n6p", "netvol_abc123"
CARD = {"id": "NVIDIA A40", "name": "A40", "memory": 48, "secure": True, "community": False,
        "price": {"secure": 0.44, "community": None}, "availability": "HIGH"}
CREATE = {"name", "image", "args", "disk", "ports", "env", "registry", "cloud", "cpu", "dataCenterIds",
          "globalNetworking", "gpu", "mounts", "startJupyter", "startSsh", "templateId"}


class StandInRunPod:
    def __init__(self, gpus=1, cost=0.44):
        gpu = {"gpu": {"id": "NVIDIA A40", "count": gpus}} if gpus else {"cpu": {"id": "cpu5c", "vcpuCount": 4}}
        self.pod = {"id": POD, "name": "study", "image": "x", "args": "", "disk": 50, "ports": ["22/tcp"], "env": {},
                    "registry": None, "status": "RUNNING", "actions": ["stop", "restart", "terminate"],
                    "mounts": {"network": [{"volumeId": "vol", "path": "/workspace"}]}, "cloud": "SECURE",
                    "cost": cost, "locked": False, "runtime": {"uptime": 3600}} | gpu
        self.volumes = set()
        self.requests = []          # method, path, authorization, body
        self.may_stop = True
        self.answer = None          # instead: (status, headers, body)
        self.seconds = 0            # before the answer
        self.trickle = False        # a byte a fifth of a second, for ever
        self.gone = threading.Event()
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.serve(b"")

            def do_DELETE(self):
                self.serve(b"")

            def do_POST(self):
                self.serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def serve(self, body):
                stand_in.requests.append((self.command, self.path, self.headers.get("Authorization"), body))
                status, headers, text = stand_in.reply(self.command, self.path, self.headers, body)
                stand_in.gone.wait(stand_in.seconds)
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(text) + (10**6 if stand_in.trickle else 0)))
                    self.end_headers()
                    self.wfile.write(text)
                    while stand_in.trickle and not stand_in.gone.wait(0.2):
                        self.wfile.write(b" ")
                except (BrokenPipeError, ConnectionResetError):
                    pass  # it went away

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v2"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reply(self, method, path, headers, body):
        if self.answer:
            return self.answer
        if headers.get("Authorization") != f"Bearer {KEY}":
            return problem(401, "Unauthorized", "invalid bearer token")
        if method == "GET" and path == f"/v2/pods/{POD}":
            return 200, {"Content-Type": "application/json",
                         "RateLimit": '"minute";r=59;t=60'}, json.dumps(self.pod).encode()
        if method == "GET" and path == "/v2/catalog/gpus?include=AVAILABILITY&product=POD":
            return 200, {"Content-Type": "application/json"}, json.dumps({"gpus": [CARD]}).encode()
        if method == "DELETE":
            return self.delete(path)
        if method == "POST" and headers.get("Content-Type") == "application/json":
            return self.post(path, json.loads(body))
        return problem(404, "Not Found", "resource not found")

    def delete(self, path):
        if path == f"/v2/pods/{POD}" and self.pod:
            self.pod = None
        elif path == f"/v2/network-volumes/{VOLUME}" and VOLUME in self.volumes and not self.pod:
            self.volumes.remove(VOLUME)
        else:
            return problem(404, "Not Found", "resource not found")
        return 204, {}, b""

    def post(self, path, body):
        if path == "/v2/network-volumes":
            fits = set(body) <= {"name", "size", "dataCenter", "type"} and 10 <= body["size"] <= 4096
            if not fits or not body["name"] or not body["dataCenter"]:
                return problem(422, "Unprocessable Entity", "validation failed")
            self.volumes.add(VOLUME)
            return 201, {"Content-Type": "application/json"}, json.dumps(body | {"id": VOLUME}).encode()
        if path == "/v2/pods":
            mounts = body.get("mounts", {})
            fits = (set(body) <= CREATE and body["name"] and body["image"] and body.get("disk", 1) >= 1 and
                    ("gpu" in body) != ("cpu" in body) and
                    set(body["gpu"]) <= {"id", "count", "allowedCudaVersions", "minCudaVersion"} and
                    set(mounts) in ({"network"}, {"persistent"}, set()) and
                    all(set(mount) == {"volumeId", "path"} for mount in mounts.get("network", [])))
            if not fits:
                return problem(422, "Unprocessable Entity", "validation failed")
            if any(mount["volumeId"] not in self.volumes for mount in mounts.get("network", [])):
                return problem(400, "Bad Request", "network volume not found")
            self.pod |= body | {"status": "RUNNING", "ssh": {"proxy": None, "direct": {
                "host": "195.26.233.3", "port": 34446, "username": "root", "command": "ssh root@195.26.233.3 -p 34446"}}}
            return 201, {"Content-Type": "application/json"}, json.dumps(self.pod).encode()
        if path == f"/v2/pods/{POD}/action":
            if not self.may_stop:
                return problem(403, "Forbidden", "access denied")
            if body not in ({"action": "stop"}, {"action": "start"}):
                return problem(422, "Unprocessable Entity", "validation failed")
            self.pod |= {"status": "EXITED", "cost": 0.0} if body["action"] == "stop" else \
                {"status": "RUNNING", "cost": 0.44}
            return 200, {"Content-Type": "application/json"}, json.dumps(self.pod).encode()
        return problem(404, "Not Found", "resource not found")

    def environment(self, **changes):
        return {"RUNPOD_API_KEY": KEY, "RUNPOD_POD_ID": POD, "RUNPOD_REST_V2_API_URL": self.url} | changes

    def close(self):
        self.gone.set()
        self.server.shutdown()
        self.server.server_close()


def problem(status, title, detail):
    text = json.dumps({"title": title, "status": status, "detail": detail})
    return status, {"Content-Type": "application/problem+json", "Retry-After": "12"} if status == 429 else \
        {"Content-Type": "application/problem+json"}, text.encode()
