"""A Hub on loopback: repositories that a test makes, served with the Hub's own paths, headers and
redirects, and with faults that a test switches on.

Two servers: the Hub, and on another port, which makes it another origin, the storage that large
files are redirected to (the Hub's CDN). Both note every request.
"""

import hashlib
import http.server
import json
import re
import socket
import threading
import time
import urllib.parse
from dataclasses import dataclass, field

PAGE = 3  # files a page of a listing, a thousand on the Hub


def git_object_id(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class File:
    content: bytes
    large: bool = False  # kept in LFS: named by SHA-256, served by the storage
    xet: bool = False    # large, and kept as Xet's chunks: the storage is a bridge that joins them

    @property
    def hash(self):
        return hashlib.sha256(self.content).hexdigest() if self.large else self.pointer_id

    @property
    def xet_hash(self):
        """Of chunks, in truth; what counts is that it is no hash of the content."""
        return hashlib.sha256(b"chunks of " + self.content).hexdigest()

    @property
    def pointer_id(self):
        if not self.large:
            return git_object_id(self.content)
        sha = hashlib.sha256(self.content).hexdigest()
        return git_object_id(b"version https://git-lfs.github.com/spec/v1\n"
                             b"oid sha256:%s\nsize %d\n" % (sha.encode(), len(self.content)))


@dataclass
class Repository:
    kind: str  # "models" or "datasets"
    id: str
    commits: dict = field(default_factory=dict)   # commit -> {path: File}
    branches: dict = field(default_factory=dict)  # name -> commit
    token: str = ""   # needed to read it
    gated: bool = False

    def commit(self, files, branch="main"):
        text = json.dumps([self.id, branch, len(self.commits)]).encode()
        commit = hashlib.sha1(text).hexdigest()
        self.commits[commit] = files
        self.branches[branch] = commit
        return commit


@dataclass
class Request:
    server: str  # "hub" or "storage"
    method: str
    path: str
    headers: dict
    sent: int = 0  # bytes of the body


@dataclass
class Fault:
    """What to do instead, `times` times, with requests that match."""
    method: str = "GET"
    path: str = ""            # a part of it; "" is every one
    server: str = ""          # either
    times: int = 1
    status: int = 0           # answer with it
    headers: dict = field(default_factory=dict)
    cut_after: int = -1       # close the connection after so many bytes of the body
    stall_after: int = -1     # send nothing more, until the client goes
    hold_after: int = -1      # the same, until `release` is set
    silent: bool = False      # send nothing at all
    holding: threading.Event = field(default_factory=threading.Event)    # what comes before is sent
    release: threading.Event = field(default_factory=threading.Event)
    abandoned: threading.Event = field(default_factory=threading.Event)  # the client went
    ignore_range: bool = False
    other_bytes: bool = False  # of the right size
    endless: bool = False      # more bytes, until the client goes or has had 64 MiB
    location: str = ""         # redirect there
    body: bytes = b"as switched on"  # with `status`

    def matches(self, server, request):
        return (self.times > 0 and request.command == self.method and self.path in request.path
                and self.server in ("", server))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, socket.timeout):
            self.close_connection = True

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        hub, name = self.server.hub, self.server.name
        request = Request(name, self.command, self.path,
                          {key.lower(): value for key, value in self.headers.items()})
        fault = hub.note(request, self)
        self.request_note = request
        if fault.silent:
            self.wait_for_its_end(fault)
        elif fault.location:
            self.reply(302, {"Location": fault.location, **fault.headers})
        elif fault.status:
            self.reply(fault.status, fault.headers, fault.body, fault)
        elif name == "storage":
            self.answer_storage(fault)
        else:
            self.answer_hub(fault)

    def reply(self, status, headers, body=b"", fault=None):
        fault = fault or Fault()
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if self.server.hub.tells_sizes or headers.get("Content-Type"):
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
        else:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.send_body(body, fault)

    def send_body(self, body, fault):
        stops = [at for at in (fault.cut_after, fault.stall_after, fault.hold_after) if at >= 0]
        first = body[:min(stops)] if stops else body
        # Counted before it goes: a client that has the last byte may be asked about at once.
        self.request_note.sent += len(first)
        self.wfile.write(first)
        self.wfile.flush()
        if fault.cut_after >= 0:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault.endless:
            for _ in range(1024):
                self.wfile.write(bytes(1 << 16))
                self.request_note.sent += 1 << 16
        elif fault.stall_after >= 0:
            self.wait_for_its_end(fault)
        elif fault.hold_after >= 0:
            fault.holding.set()
            fault.release.wait(30)
            self.request_note.sent += len(body) - len(first)
            self.wfile.write(body[len(first):])

    def wait_for_its_end(self, fault):
        self.close_connection = True
        self.connection.settimeout(30)
        if self.connection.recv(1) == b"":
            fault.abandoned.set()

    def send_content(self, content, headers, fault):
        if fault.other_bytes:
            content = bytes(byte ^ 1 for byte in content)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        headers = {**headers, "Accept-Ranges": "bytes"}
        if not wanted or fault.ignore_range:
            self.reply(200, headers, content, fault)
            return
        first, last = int(wanted[1]), int(wanted[2] or len(content) - 1)
        if first >= len(content):
            self.reply(416, {**headers, "Content-Range": f"bytes */{len(content)}"})
            return
        last = min(last, len(content) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        self.reply(206, headers, content[first : last + 1], fault)

    # --- The storage ---

    def answer_storage(self, fault):
        url = urllib.parse.urlsplit(self.path)
        content = self.server.hub.stored.get(url.path.strip("/"))
        if content is None or "Signature=" not in url.query:
            self.reply(403, {})
        else:
            # Its ETag is its own, as the CDN's is.
            self.send_content(content, {"ETag": '"storage"'}, fault)

    # --- The Hub ---

    def answer_hub(self, fault):
        url = urllib.parse.urlsplit(self.path)
        api = re.fullmatch(r"/api/(models|datasets)/(.+?)/(revision|tree)/([^/]+)(?:/(.+))?",
                           url.path)
        file = (re.fullmatch(r"/(datasets/)?(.+?)/resolve/([^/]+)/(.+)", url.path) or
                re.fullmatch(r"/api/resolve-cache/(?:(datasets/)|models/)(.+?)/([0-9a-f]{40})/"
                             r"(.+)", url.path))
        if not api and not file:
            self.error(404, "RepoNotFound", "Repository not found")
            return
        kind, name, revision = ((api[1], api[2], api[4]) if api else
                                ("datasets" if file[1] else "models", file[2], file[3]))
        hub = self.server.hub
        if moved := hub.moved.get((kind, name)):
            self.reply(307, {"Location": self.path.replace(name, moved, 1)})
            return
        repository = hub.repositories.get((kind, name))
        if not self.may_read(repository):
            return
        revision = urllib.parse.unquote(revision)
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits:
            self.error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif not api:
            self.answer_file(repository, commit, urllib.parse.unquote(file[4]), fault)
        elif api[3] == "revision":
            self.json({"id": name, "sha": commit}, {}, fault)
        else:
            folder = urllib.parse.unquote(api[5] or "")
            self.answer_tree(repository.commits[commit], folder, url, fault)

    def may_read(self, repository):
        sent = self.headers.get("Authorization", "")
        if repository is None:
            # The Hub does not tell what is private from what is not there.
            self.error(404 if sent else 401, "RepoNotFound" if sent else "", "Repository not found"
                       if sent else "Invalid username or password.")
        elif repository.token and sent != f"Bearer {repository.token}":
            if repository.gated:
                self.error(403 if sent else 401, "GatedRepo", f"Access to {repository.kind} "
                           f"{repository.id} is restricted.")
            else:
                self.error(404 if sent else 401, "RepoNotFound", "Repository not found")
        else:
            return True
        return False

    def answer_file(self, repository, commit, path, fault):
        hub = self.server.hub
        file = repository.commits[commit].get(path)
        described = {"X-Repo-Commit": commit}
        if file is None:
            self.error(404, "EntryNotFound", "Entry not found", described)
            return
        if not file.large and "/resolve/" in self.path:
            resolved = f"{repository.kind}/{repository.id}/{commit}/{urllib.parse.quote(path)}"
            self.reply(307, {**described, "ETag": f'"{file.hash}"',
                             "Location": f"/api/resolve-cache/{resolved}?etag=%22{file.hash}%22"})
            return
        if not file.large:
            self.send_content(file.content, {**described, "ETag": f'"{file.hash}"'}, fault)
            return
        hub.stored[file.hash] = file.content
        if file.xet:
            described |= self.xet_headers(repository, commit, file)
        if hub.tells_sizes:
            described["X-Linked-Size"] = str(len(file.content))
        self.reply(302, {
            **described, "X-Linked-Etag": f'"{file.hash}"',
            "ETag": f'"{file.pointer_id}"',
            "Location": f"{hub.storage_url}/{file.hash}?Expires={hub.signed()}&Signature=s3cr3t"})

    def xet_headers(self, repository, commit, file):
        """Where a client that speaks Xet's protocol goes on: a token of its own, and the chunks."""
        url = self.server.hub.url
        token = f"{url}/api/{repository.kind}/{repository.id}/xet-read-token/{commit}"
        return {"X-Xet-Hash": file.xet_hash, "X-Xet-Refresh-Route": token,
                "Link": f'<{token}>; rel="xet-auth", <{url}/v1/reconstructions/{file.xet_hash}>; '
                        'rel="xet-reconstruction-info"'}

    def answer_tree(self, files, folder, url, fault):
        query = urllib.parse.parse_qs(url.query)
        recursive = query.get("recursive", [""])[0].lower() == "true"
        prefix = folder + "/" if folder else ""
        folders = sorted({path[:at] for path in files for at, character in enumerate(path)
                          if character == "/"})
        entries = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": path}
                   for path in folders]
        for path, file in sorted(files.items()):
            entry = {"type": "file", "oid": file.pointer_id, "size": len(file.content),
                     "path": path}
            if file.large:
                entry["lfs"] = {"oid": file.hash, "size": len(file.content), "pointerSize": 130}
            if file.xet:
                entry["xetHash"] = file.xet_hash
            entries.append(entry)
        entries = [entry for entry in entries if entry["path"].startswith(prefix)
                   and (recursive or "/" not in entry["path"][len(prefix):])]
        start = int(query.get("cursor", ["0"])[0])
        headers = {}
        if start + PAGE < len(entries):
            hub = self.server.hub
            cursor = 0 if hub.same_page else start + PAGE
            headers["Link"] = (f"<{hub.named_url or hub.url}{url.path}?recursive={recursive}"
                               f"&expand=False&cursor={cursor}>; rel=\"next\"")
        self.json(entries[start : start + PAGE], headers, fault)

    def json(self, answer, headers, fault):
        self.reply(200, {"Content-Type": "application/json; charset=utf-8", **headers},
                   json.dumps(answer).encode(), fault)

    def error(self, status, code, message, headers=None):
        headers = {"X-Error-Message": message, **(headers or {})}
        if code:
            headers["X-Error-Code"] = code
        self.reply(status, headers, json.dumps({"error": message}).encode())


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub, name, tls):
        super().__init__(("127.0.0.1", 0), Handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.hub, self.name = hub, name
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class StandInHub:
    named_url = ""     # what a mirror passes on: the Hub's own address in links
    same_page = False  # the next page is the first again
    tells_sizes = True  # of files, in replies

    def __init__(self, tls=None):
        self.lock = threading.Lock()
        self.repositories, self.stored, self.moved = {}, {}, {}
        self.requests, self.faults = [], []
        self.servers = [Server(self, "hub", tls), Server(self, "storage", tls)]
        scheme = "https" if tls else "http"
        self.url, self.storage_url = (f"{scheme}://127.0.0.1:{server.server_address[1]}"
                                      for server in self.servers)
        self.expires = 0

    def close(self):
        for fault in self.faults:
            fault.release.set()
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def signed(self):
        """Another address at each time, as signatures are."""
        self.expires += 1
        return int(time.time()) + self.expires

    def repository(self, kind, name, **settings):
        repository = Repository(kind, name, **settings)
        self.repositories[kind, name] = repository
        return repository

    def fault(self, **settings):
        self.faults.append(Fault(**settings))
        return self.faults[-1]

    def note(self, request, handler):
        with self.lock:
            self.requests.append(request)
            for fault in self.faults:
                if fault.matches(handler.server.name, handler):
                    fault.times -= 1
                    return fault
        return Fault()

    def contents(self):
        """The requests that fetched a file's content, or tried to."""
        return [request for request in self.requests
                if request.method == "GET" and
                (request.server == "storage" or "/api/resolve-cache/" in request.path)]
