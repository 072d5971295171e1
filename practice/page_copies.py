"""One page as it goes out: its body in each encoding, made once, and the answers it gives."""

import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

import brotli

ENCODINGS = ("br", "gzip")  # as the site prefers them
# Pages that would not fit one flight with their stylesheets are squeezed as hard as can be, which takes a hundred
# times longer; for all others nobody could tell.
SQUEEZED_ABOVE = 8 * 1024
SHORTEST = 256  # below this, compressing makes an answer no shorter
LONGEST_ACCEPTED = 500  # characters; no browser's header has as many
OK = "200 OK"
COMPRESSIBLE = ("text/", "application/xml", "application/atom+xml", "application/json", "image/svg+xml")


def is_compressible(content_type: str) -> bool:
    return content_type.startswith(COMPRESSIBLE)


def compress(body: bytes, encoding: str) -> bytes:
    """The body in this encoding: `br` or `gzip`, the latter without the time, so that equal stays equal."""
    if encoding == "gzip":
        return gzip.compress(body, compresslevel=6, mtime=0)
    quick = brotli.compress(body, quality=5)
    return quick if len(quick) <= SQUEEZED_ABOVE else brotli.compress(body, quality=11)


def best_encoding(accepted: str) -> str:
    """Of an Accept-Encoding header: `br`, `gzip`, or `` for neither (RFC 9110: a weight of 0 refuses)."""
    return _best_encoding(accepted) if len(accepted) <= LONGEST_ACCEPTED else ""  # what is remembered takes memory


@lru_cache(maxsize=512)
def _best_encoding(accepted: str) -> str:
    weights = {}
    for part in accepted.lower().split(","):
        name, _semicolon, parameters = part.partition(";")
        weight = parameters.partition("q=")[2].strip() or "1"
        weights[name.strip()] = weight.replace("0", "").strip(".") != ""
    return next((name for name in ENCODINGS if weights.get(name, weights.get("*", False))), "")


def etag_of(body: bytes) -> str:
    """Weak, since the same page in another encoding has other bytes."""
    return f'W/"{sha256(body).hexdigest()[:32]}"'


def has_it(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match header names this page (weak comparison, RFC 9110)."""
    bare = etag.removeprefix("W/")
    return any(one.strip().removeprefix("W/") in (bare, "*") for one in if_none_match.split(","))


@dataclass(frozen=True, slots=True)
class PageCopy:
    """A page of one version, ready to be sent."""

    version: str
    status: str  # like "200 OK"
    headers: tuple[tuple[str, str], ...]  # what every answer carries, ETag and Vary included
    content_type: str
    bodies: dict[str, bytes]  # by encoding; "" is the page itself

    @classmethod
    def make(cls, version: str, status: str, headers: Iterable[tuple[str, str]], body: bytes) -> "PageCopy":
        """Compress the body and settle the headers; those of length and encoding are this copy's own."""
        kept = {name.lower(): (name, value) for name, value in headers}
        kept.pop("content-length", None)
        _name, content_type = kept.pop("content-type", ("", "text/html; charset=utf-8"))
        bodies = {"": body}
        if len(body) >= SHORTEST and is_compressible(content_type):
            bodies |= {encoding: compress(body, encoding) for encoding in ENCODINGS}
        settled = list(kept.values())
        if status == OK:
            settled.append(("ETag", etag_of(body)))
        if len(bodies) > 1:
            settled.append(("Vary", "Accept-Encoding"))
        return cls(version, status, tuple(settled), content_type, bodies)

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        return 2048 + sum(map(len, self.bodies.values()))

    def answer(self, method: str, accepted: str, if_none_match: str) -> tuple[str, list[tuple[str, str]], bytes]:
        """Status line, headers and body for a GET or HEAD with these headers (empty when not given)."""
        if if_none_match and self.status == OK and has_it(if_none_match, dict(self.headers)["ETag"]):
            return "304 Not Modified", list(self.headers), b""
        encoding = best_encoding(accepted)
        body = self.bodies.get(encoding)
        if body is None:
            encoding, body = "", self.bodies[""]
        headers = [*self.headers, ("Content-Type", self.content_type), ("Content-Length", str(len(body)))]
        if encoding:
            headers.append(("Content-Encoding", encoding))
        return self.status, headers, b"" if method == "HEAD" else body
