"""Whether the last review of a component still stands: nothing it rests on beside the data has changed since."""

from collections.abc import Mapping

import sqlalchemy as sa

from orchestration.declarations import Declarations
from vault.contract import ComponentContract
from vault.home import Home
from vault.moments import text_of
from vault.registry.database import open_registry, registry_path


def last_reviews(home: Home, known: Declarations) -> dict[str, float]:
    """When each component was last reviewed, in seconds since 1970; one whose review no longer stands is left out."""
    if not registry_path(home).exists():
        return {}
    from review.policy import policy_from  # seconds of imports less where nothing was ever reviewed
    from review.records import latest_reviews

    policy = policy_from().content_hash
    with open_registry(home).begin() as connection:
        reviews = latest_reviews(connection)
        decided = _last_decided(connection)
    standing = {}
    for name, review in reviews.items():
        if name in known.components and review.content.policy_hash == policy:
            at = text_of(review.reviewed_at)
            if all(decided.get(subject, "") <= at for subject in _subjects(known, name)):
                standing[name] = review.reviewed_at.timestamp()
    return standing


def _subjects(known: Declarations, name: str) -> tuple[str, ...]:
    contract: ComponentContract = known.components[name]
    return (name, *contract.rights.resources)


def _last_decided(connection: sa.Connection) -> Mapping[str, str]:
    """The time of the last decision on each subject, as text that sorts as times do: after it, a component that it
    speaks of is reviewed again."""
    from vault.black_box.tables import DECIDED, entries

    last = sa.func.max(entries.c.at).label("at")
    statement = sa.select(entries.c.subject, last).where(DECIDED).group_by(entries.c.subject)
    return {row.subject: row.at for row in connection.execute(statement)}
