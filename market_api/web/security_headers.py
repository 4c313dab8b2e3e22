"""Headers that tell browsers what not to do with an answer, in the place of any that say otherwise.

Sources: OWASP HTTP Headers Cheat Sheet; RFC 9111 for `no-store`.
"""

from collections.abc import Sequence

DOCUMENTATION = "/docs"
PLAIN_POLICY = b"default-src 'none'; frame-ancestors 'none'"
DOCUMENTATION_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
"""The page of the interface has its own style and nothing else: no answer of the market has a script."""

ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")

Headers = list[tuple[bytes, bytes]]


def with_security(headers: Sequence[tuple[bytes, bytes]], path: str, is_https: bool) -> Headers:
    """An answer's headers with those; one that says nothing of caching is not stored by anybody."""
    policy = DOCUMENTATION_POLICY if path == DOCUMENTATION else PLAIN_POLICY
    given = {name.lower() for name, _ in headers}
    added = [*headers, *ALWAYS]
    if is_https:
        added.append(STRICT_TRANSPORT)
    if b"content-security-policy" not in given:
        added.append((b"content-security-policy", policy))
    if b"cache-control" not in given:
        added.append((b"cache-control", b"no-store"))
    return added
