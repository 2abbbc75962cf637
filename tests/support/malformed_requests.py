"""Requests that no honest client sends, to see that a server gives nothing away and lives on.

for request in malformed_requests.make(1000, secrets=["canary.txt"], name="org/tiny"):
    socket.sendall(request)
"""

import itertools
import random
from collections.abc import Iterator, Sequence

_UP = (
    *("../", "..\\", "%2e%2e/", "%2E%2E%2F", "..%2f", "..%5c", "%252e%252e%252f", "%c0%ae%c0%ae/"),
    *(".%00./", "..;/", "....//", "%u002e%u002e/", "..%ef%bc%8f", "./../", "%2e/../", "..%00/"),
)
_METHODS = (
    *("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "MKCOL"),
    *("COPY", "MOVE", "LOCK", "get", "G\x00T", "A" * 5000, "", "GET\tGET"),
)
_VERSIONS = (
    *("0", "01", "-1", "1e9", "1.0", "9" * 400, "\u0663", "%33%00", "10.tar.gz.sig", "10.tar.gz/"),
    *("10?tf-hub-format=uncompressed", "10?tf-hub-format=compressed%00", "latest", "10%20", "*"),
)
_PROTOCOLS = ("HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/9.9", "HTTP/1.", "", "\r\nX: y", "ICY/1.1")
_HEADERS = (
    "",
    "X: " + "a" * 70_000,
    "\r\n".join(f"X-{number}: {number}" for number in range(2000)),
    "Range: bytes=0-,0-,0-,5-2,-0," + ",".join(f"{start}-" for start in range(200)),
    "Range: bytes=99999999999999999999999-",
    "Content-Length: -1",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 99999999999",
    "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nfffffffffffffffff\r\n",
    "Host: a\r\nHost: b",
    "Host: ../../..",
    "X\x00Y: z",
    " folded: line",
    "no colon",
    "If-Modified-Since: \xff\xfe",
    "Expect: 100-continue",
    "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
)


def make(number: int, *, secrets: Sequence[str], name: str) -> Iterator[bytes]:
    """Yields requests; the same ones every time.

    Args:
      number: how many.
      secrets: paths, from the root of the server, that must not be had.
      name: publisher and name of a model that is there.
    """
    generator = random.Random(0)
    for kind in itertools.islice(itertools.cycle(range(7)), number):
        method, protocol, header = "GET", "HTTP/1.1", ""
        up = "".join(generator.choices(_UP, k=generator.randint(1, 6)))
        secret = generator.choice(secrets)
        target = f"/{generator.choice(['', name + '/', 'org/', 'x/'])}{up}{secret}"
        if kind == 0:
            target = "/" + secret
        elif kind == 1:
            target = f"/{name}/{generator.choice(_VERSIONS)}"
        elif kind == 2:
            method = generator.choice(_METHODS)
        elif kind == 3:
            header = generator.choice(_HEADERS)
            target = generator.choice([target, f"/{name}/10.md"])
        elif kind == 4:
            protocol = generator.choice(_PROTOCOLS)
        elif kind == 5:
            scheme = generator.choice(["http://127.0.0.1", "http://x:y@z", "file://", "//", "*"])
            target = scheme + target
        lines = [f"{method} {target} {protocol}", "Host: localhost", "Connection: close"]
        yield "\r\n".join([*lines, *filter(None, [header]), "", ""]).encode("latin-1", "replace")
