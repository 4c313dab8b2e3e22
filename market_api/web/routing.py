"""Finding the route of a request by the first words of its address, where the framework would try one after the other.

With a hundred routes that takes longer than all else that is done for a small answer. Whatever is not found here,
also what no route takes, goes the framework's own way, so its answers stay as they are.
"""

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

WORDS = 2
"""So many words of an address are looked at."""

Key = tuple[int, tuple[str, ...]]
"""How many words an address has, and the first of them."""


class RouteIndex:
    """Stands before a router and knows its routes by their first words; the earlier of two still comes first."""

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._routes = _indexed([route for route in router.routes if isinstance(route, APIRoute)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in self._routes.get(_key_of(scope["path"]), ()):
                match, found = route.matches(scope)
                if match == Match.FULL:
                    scope.update(found, router=self._router)
                    await route.handle(scope, receive, send)
                    return
        await self._router.app(scope, receive, send)


def _indexed(routes: Sequence[APIRoute]) -> dict[Key, list[BaseRoute]]:
    """The routes of each key that has one with nothing but words in it; in their order, with those that it may mean."""
    keys = {_key_of(route.path) for route in routes if not _has_parameter(route.path)}
    return {key: [route for route in routes if _may_mean(route.path, key)] for key in keys}


def _key_of(path: str) -> Key:
    words = path.split("/")
    return len(words), tuple(words[1 : 1 + WORDS])


def _has_parameter(path: str) -> bool:
    return any("{" in word for word in _key_of(path)[1])


def _may_mean(path: str, key: Key) -> bool:
    """Whether a route may be meant by an address of that key: a parameter is any word, and one of paths any number."""
    length, words = _key_of(path)
    fits = all("{" in own or own == word for own, word in zip(words, key[1], strict=False))
    return fits and (length == key[0] or ":path}" in path)
