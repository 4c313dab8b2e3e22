"""The catalogue's revision: a number that grows with every change of it, so that what was answered before is known to
be still true.

It is asked at every request of the catalogue, by the driver itself: what SQLAlchemy does around a question takes
longer than this one.
"""

import sqlalchemy as sa

from market_api.failures import raise_failure
from market_api.market import Market

_READ = "select number from catalogue_revision where revision_id = 1"
_MOVED = sa.text(
    "insert into catalogue_revision (revision_id, number) values (1, 1) "
    "on conflict (revision_id) do update set number = catalogue_revision.number + 1"
)


def revision(market: Market) -> int:
    """The number now; 0 before the first listing. Read before what it is to stand for. Raises Problem as `Market.read`
    does."""
    driver = market.engine.dialect.loaded_dbapi
    try:
        connection = market.engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(_READ)
            row = cursor.fetchone()
        finally:
            connection.close()
    except (driver.Error, sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        raise_failure(error, market.engine)
    return 0 if row is None else int(row[0])


def move_on(connection: sa.Connection) -> None:
    """Count a change, within its transaction."""
    connection.execute(_MOVED)
