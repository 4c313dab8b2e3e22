"""An external OpenID issuer on the loopback address: a real server, with keys of its own."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.market_api.builders import NOON

AUDIENCE = "jinku-market"


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Issuer:
    """Its address, its keys by their ids, how often each of its addresses was asked, and whether it lies of itself."""

    address: str = ""
    keys: dict[str, Any] = field(default_factory=lambda: {"one": new_key()})
    asked: list[str] = field(default_factory=list)
    stated: str = ""

    def token(self, key_id: str = "one", algorithm: str = "ES256", key: Any = None, **changes: Any) -> str:
        """A token of a subject, good for an hour."""
        second = int(NOON.timestamp())
        claims = {
            "iss": self.address,
            "sub": "subject-1",
            "aud": AUDIENCE,
            "iat": second,
            "exp": second + 3600,
            **changes,
        }
        content = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(content, key or self.keys[key_id], algorithm=algorithm, headers={"kid": key_id})

    def document(self, path: str) -> dict[str, Any] | None:
        """What it answers."""
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.stated or self.address, "jwks_uri": f"{self.address}/keys"}
        if path == "/keys":
            return {"keys": [_public(name, key) for name, key in self.keys.items()]}
        return None


def _public(name: str, key: Any) -> dict[str, Any]:
    document = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    return {**document, "kid": name, "use": "sig", "alg": "ES256"}


@contextmanager
def an_issuer() -> Iterator[Issuer]:
    """An issuer that answers until the body ends."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = issuer.document(self.path)
            content = json.dumps(document).encode()
            self.send_response(404 if document is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
