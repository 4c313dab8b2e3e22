"""All tables of the market."""

from importlib import import_module

from alembic import op

from market_api import log
from market_api.database import guard
from market_api.features import GUARDED, TABLES
from market_api.ledger.accounts import open_own_accounts
from market_api.schema import METADATA

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, guard those that only grow, and open the market's own accounts."""
    for name in TABLES:
        import_module(name)
    connection = op.get_bind()
    METADATA.create_all(connection, checkfirst=False)
    log.create(connection)
    for table in GUARDED:
        guard(connection, table)
    open_own_accounts(connection)
