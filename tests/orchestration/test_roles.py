"""What a column is made from decides what may be shown of it."""

from orchestration.roles import public, raw_roles, roles_of_columns
from tests.builders import column, source_contract

SOURCE = source_contract(
    columns=[column("card", role="identifier"), column("zone", role="quasi_identifier"), column("fare", role="measure")]
)
RAW = raw_roles({"taps": SOURCE})


def test_the_strictest_origin_counts() -> None:
    origins = {
        "fare": [("raw", "taps", "fare")],
        "label": [("raw", "taps", "fare"), ("raw", "taps", "zone")],
        "pseudonym": [("raw", "taps", "card"), ("vault", "pseudonym_key", "key")],
        "rows": [],
    }
    roles = roles_of_columns(list(origins), origins, RAW)
    assert roles == {"fare": "measure", "label": "quasi_identifier", "pseudonym": "identifier", "rows": "attribute"}
    assert public(roles) == {"fare", "rows"}


def test_what_is_not_known_is_treated_as_personal() -> None:
    unanalysed = roles_of_columns(["fare"], {}, RAW)
    from_elsewhere = roles_of_columns(["fare"], {"fare": [("base", "other", "fare")]}, RAW)
    unknown_column = roles_of_columns(["fare"], {"fare": [("raw", "taps", "gone")]}, RAW)
    assert public(unanalysed) == public(from_elsewhere) == public(unknown_column) == frozenset()


def test_roles_pass_from_layer_to_layer() -> None:
    base = roles_of_columns(
        ["card_number", "fare_usd"],
        {"card_number": [("raw", "taps", "card")], "fare_usd": [("raw", "taps", "fare")]},
        RAW,
    )
    above = roles_of_columns(
        ["rider", "mean"],
        {"rider": [("base", "taps", "card_number")], "mean": [("base", "taps", "fare_usd")]},
        {("base", "taps"): base},
    )
    assert above == {"rider": "identifier", "mean": "measure"}
