"""The nginx configuration serves a release to TensorFlow Hub and to browsers, and nothing else."""

import concurrent.futures
import contextlib
import functools
import hashlib
import http.client
import http.server
import re
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.support import processes, sites, web_server

pytestmark = web_server.needs_nginx

HANDLE = "org/tiny/10"
COMPRESSED = "?tf-hub-format=compressed"
CANARY = b"the canary that must not fly"


@pytest.fixture(scope="module")
def site(tiny_encoder, tmp_path_factory):
    """Returns a release with two versions of a model."""
    site = sites.Site(tmp_path_factory.mktemp("hosting") / "dist")
    site.add("org/tiny/9", sites.encoder("tiny"))
    tarball = site.add(HANDLE, tiny_encoder)
    tarball.with_name("10.intoto.json").write_text("{}")
    tarball.with_name("10.sig").write_text("{}")
    site.write()
    (site.root / "SHA256SUMS").write_text("digests\n")
    return site


@pytest.fixture(scope="module")
def server(site, tmp_path_factory):
    with web_server.nginx(site.root, folder=tmp_path_factory.mktemp("nginx")) as base_url:
        yield base_url


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


def get(url, *, method="GET", **headers):
    """Returns status, headers and body."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, method=method, headers=names)
    try:
        with urllib.request.build_opener(_NoRedirect).open(request) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@pytest.mark.parametrize(
    ("path", "file", "content_type"),
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/index.html", "index.html", "text/html; charset=utf-8"),
        ("/style.css", "style.css", "text/css; charset=utf-8"),
        ("/search.js", "search.js", "text/javascript; charset=utf-8"),
        ("/SHA256SUMS", "SHA256SUMS", "text/plain; charset=utf-8"),
        (f"/{HANDLE}", f"{HANDLE}.html", "text/html; charset=utf-8"),
        (f"/{HANDLE}{COMPRESSED}", f"{HANDLE}.tar.gz", "application/gzip"),
        (f"/{HANDLE}?a=b&tf-hub-format=compressed", f"{HANDLE}.tar.gz", "application/gzip"),
        (f"/{HANDLE}.tar.gz", f"{HANDLE}.tar.gz", "application/gzip"),
        (f"/{HANDLE}.tar.gz{COMPRESSED}", f"{HANDLE}.tar.gz", "application/gzip"),
        (f"/{HANDLE}.md", f"{HANDLE}.md", "text/markdown; charset=utf-8"),
        (f"/{HANDLE}.intoto.json", f"{HANDLE}.intoto.json", "application/json"),
        (f"/{HANDLE}.sig", f"{HANDLE}.sig", "application/json"),
        # The highest version, by number.
        (f"/org/tiny{COMPRESSED}", f"{HANDLE}.tar.gz", "application/gzip"),
        (f"/org/tiny/{COMPRESSED}", f"{HANDLE}.tar.gz", "application/gzip"),
        ("/org/tiny/", f"{HANDLE}.html", "text/html; charset=utf-8"),
        ("/org/", "org/org.html", "text/html; charset=utf-8"),
        ("/org/org.md", "org/org.md", "text/markdown; charset=utf-8"),
        ("/org/collections/albert/1", "org/collections/albert/1.html", "text/html; charset=utf-8"),
    ],
)
def test_serves_files_and_handles(server, site, path, file, content_type):
    status, headers, body = get(server + path)
    assert status == 200
    assert body == (site.root / file).read_bytes()
    assert headers["Content-Type"] == content_type
    assert headers["Content-Encoding"] is None
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    status, head, body = get(server + path, method="HEAD")
    assert (status, body) == (200, b"")
    assert head["Content-Length"] == headers["Content-Length"]


@pytest.mark.parametrize("path", ["/org", "/org/tiny"])
def test_a_page_whose_links_need_the_slash_is_redirected_to(server, path):
    status, headers, _ = get(server + path)
    assert (status, headers["Location"]) == (302, path + "/")


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/org/tiny/11",
            f"/org/tiny/11{COMPRESSED}",
            "/org/tiny/010",
            "/org/tiny/10/",
            "/org/x/1",
        ),
        *(f"/org{COMPRESSED}", f"/org/none{COMPRESSED}", "/org/none", "/none", "/none/"),
        *("/.work/org/tiny/1.tar.gz", "/org/.tiny/1", "/nginx.conf", "/org/collections/albert/2"),
    ],
)
def test_what_is_not_there_is_not_found(server, path):
    assert get(server + path)[0] == 404


def test_only_tarballs_and_statements_are_cached_for_ever(server):
    for path in (f"{HANDLE}.tar.gz", f"{HANDLE}{COMPRESSED}", f"{HANDLE}.intoto.json"):
        assert "immutable" in get(f"{server}/{path}")[1]["Cache-Control"]
    for path in (HANDLE, f"{HANDLE}.sig", f"org/tiny{COMPRESSED}", "org/tiny/", "index.html"):
        assert get(f"{server}/{path}")[1]["Cache-Control"] == "no-cache"
    assert get(f"{server}/org/tiny/11{COMPRESSED}")[1]["Cache-Control"] is None


def test_downloads_can_be_resumed_and_asked_again(server, site):
    url = f"{server}/{HANDLE}{COMPRESSED}"
    content = (site.root / f"{HANDLE}.tar.gz").read_bytes()
    status, headers, body = get(url, Range="bytes=1000-")
    assert (status, body) == (206, content[1000:])
    assert headers["Content-Range"] == f"bytes 1000-{len(content) - 1}/{len(content)}"
    status, _, body = get(url, If_None_Match=headers["ETag"])
    assert (status, body) == (304, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "NONSENSE"])
def test_only_get_and_head_are_allowed(server, method):
    status, headers, _ = get(f"{server}/{HANDLE}", method=method)
    assert status == 405
    assert method == "TRACE" or headers["Allow"] == "GET, HEAD"  # nginx itself refuses TRACE


def test_fifty_downloads_at_a_time_are_all_complete(server, site):
    expected = hashlib.sha256((site.root / f"{HANDLE}.tar.gz").read_bytes()).hexdigest()
    together = threading.Barrier(50)

    def download(_):
        together.wait()
        return hashlib.sha256(get(f"{server}/{HANDLE}{COMPRESSED}")[2]).hexdigest()

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        assert set(pool.map(download, range(50))) == {expected}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_download_is_checked_as_its_page_says(server, site, tmp_path):
    download = site.text(f"{HANDLE}.md").partition("## Download")[2]
    script = re.search("^```shell\n(.*?)^```$", download, re.M | re.S)[1]
    assert sites.BASE_URL in script
    script = "set -e\n" + script.replace(sites.BASE_URL, server)
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "10.tar.gz: OK" in done.stdout
    assert "variables/variables.index: OK" in done.stdout


# A file beside the root, a hidden file, an unpublished file, a link out of the root, and a
# malformed request.
@pytest.mark.parametrize(
    "request_line",
    [
        "GET /org/..%2f../%2e%2e/canary.txt HTTP/1.1",
        "GET /.work/secret HTTP/1.1",
        "GET /org/tiny/notes.txt HTTP/1.1",
        "GET /org/tiny/77.md HTTP/1.1",
        "G\x00T /org/tiny/77.md%00 HTTP/9.9",
    ],
)
def test_malformed_requests_get_nothing_that_is_not_published(hostile, request_line):
    answer = _ask(hostile, f"{request_line}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert re.match(rb"HTTP/1\.1 4\d\d ", answer), answer
    assert CANARY not in answer


@pytest.fixture(scope="module")
def hostile(site, tmp_path_factory):
    """Yields the port of a server with secret files in its root and beside it."""
    folder = tmp_path_factory.mktemp("hostile")
    root = shutil.copytree(site.root, folder / "dist")
    (root / ".work").mkdir()
    for path in ("../canary.txt", ".work/secret", "org/tiny/notes.txt"):
        (root / path).write_bytes(CANARY)
    (root / "org/tiny/77.md").symlink_to(folder / "canary.txt")
    with web_server.nginx(root, folder=folder) as base_url:
        yield urllib.parse.urlsplit(base_url).port
        assert get(f"{base_url}/{HANDLE}.md")[2] == (root / f"{HANDLE}.md").read_bytes()
    assert "worker process" not in (folder / "nginx.log").read_text()  # none died


def _ask(port, request):
    """Returns a server's whole answer to some bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        answer = b""
        # After a refusal, the server does not read the rest.
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(1 << 16):
                answer += part
        return answer


# Loads handles and compares them with the folder from which the tarball was made.
_LOAD = """
import sys
import numpy as np, tensorflow as tf, tensorflow_hub as hub
local, *handles = sys.argv[1:]
ids = tf.constant([[2, 7, 8, 3]])
inputs = dict(input_word_ids=ids, input_mask=tf.ones_like(ids), input_type_ids=tf.zeros_like(ids))
expected = hub.load(local)(inputs)["pooled_output"]
for handle in handles:
    np.testing.assert_array_equal(hub.load(handle)(inputs)["pooled_output"], expected)
    print("loaded", handle)
"""


@pytest.mark.stress  # release/test_release.py loads from a host
def test_hub_loads_from_nginx_from_its_cache_and_from_a_bucket(site, tiny_encoder, tmp_path):
    environment = {**processes.environment(), "TFHUB_CACHE_DIR": str(tmp_path / "cache")}
    # A bucket ignores the query and serves files by name, which may be the name of a handle.
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    (bucket / "10").symlink_to(site.root / f"{HANDLE}.tar.gz")
    (bucket / "10.tar.gz").symlink_to(site.root / f"{HANDLE}.tar.gz")
    with web_server.nginx(site.root, folder=tmp_path) as nginx, _bucket(bucket) as other:
        handles = [f"{nginx}/{HANDLE}", f"{nginx}/org/tiny", f"{other}/10.tar.gz", f"{other}/10"]
        load = ("-c", _LOAD, tiny_encoder, *handles)
        done = processes.python(*load, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("loaded") == 4
    # Without a server, hub loads from its cache.
    done = processes.python(*load, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("loaded") == 4


@contextlib.contextmanager
def _bucket(folder):
    handler = functools.partial(_Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass
