"""R6: what the published quasi-identifiers give away of sensitive columns, those that a component leaves out as well.

Models §7 asks of the guess by classes no more than a share of the doubt that a guess without them leaves:
(V(c|out) - V(c)) / (1 - V(c)). Of a column that the component shows, V is counted from its own rows
(`review.result.microdata`). One that it leaves out the vault holds of the same people. Nobody learns its values from
the release, so that a most frequent value which classes of these sizes have by chance tells nothing: it is counted in
classes drawn by chance, and belongs to the guess without the classes. Somebody may have several values, as several
visits have diagnoses: the guess is right where they have the guessed one. A value that more than half have would hide
every other one, so it is asked again without such values; and a class whose people all have one that fewer than half
of all have gives it away, however small the class is among all rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import ibis
import ibis.expr.types as ir

from review.findings import Finding
from review.result.facts import Held, HeldColumn, ResultFacts, counted, found, judged
from review.result.microdata import SensitiveFigures
from review.result.thresholds import Thresholds
from vault.contract import Column
from vault.discretising import code_name, coded_columns, codes_of, only_row, profiles_of
from vault.ibis_tables import stored

INFERENCE = "R6_inference"
UNKNOWN = "nobody looked at what the vault holds of the same people in sensitive columns that the component leaves out"


@dataclass(frozen=True)
class Guess:
    """Rows of which a guess is right: by class, the most frequent value of each; blindly, that of all rows; by_chance,
    that of classes of the same sizes whose rows are drawn by chance."""

    by_class: int
    blindly: int
    by_chance: int

    def advantage(self, rows: int) -> Fraction:
        """(V(c|out) - V(c)) / (1 - V(c)), 0 where no doubt is left without the classes, and none is taken away."""
        without = max(self.blindly, self.by_chance)
        return max(Fraction(self.by_class - without, rows - without), Fraction(0)) if without < rows else Fraction(0)


@dataclass(frozen=True)
class Guesses:
    """How well one held column is guessed of the rows.

    found: rows of whose people there is a value, the others have none, which is a value of its own; values: different
    ones; of_all: the guess among all of them, and of_rare: among those that at most half of the rows have; given_away:
    rows of classes whose people all have one value that fewer than half of all have.
    """

    rows: int
    found: int
    values: int
    of_all: Guess
    of_rare: Guess
    given_away: int

    @property
    def advantage(self) -> Fraction:
        """Of the better guess."""
        return max(self.of_all.advantage(self.rows), self.of_rare.advantage(self.rows))


def review_inference(facts: ResultFacts, published: Sequence[SensitiveFigures], thresholds: Thresholds) -> Finding:
    """R6 of a component of persons. published: the figures of its own sensitive columns.

    Held columns that cannot be linked to the rows refuse, with the cause: what nobody measured may be given away.
    """
    if facts.held is None:
        return found(INFERENCE, "fail", UNKNOWN)
    if not published and not facts.held.columns:
        return found(
            INFERENCE, "pass", "it does not apply: no column is declared sensitive or a target, and no source has one"
        )
    most = thresholds.inference_advantage_max
    guesses = guesses_of(facts, facts.held)
    causes = list(_unlinked(facts.component, facts.held, guesses, _strangers(facts, facts.held)))
    high = [each.name for each in published if each.inference_advantage > Fraction(most)]
    high += [name for name, each in guesses.items() if each.advantage > Fraction(most)]
    if high:
        causes.append(
            f"the classes take away more than {float(most):.0%} of the doubt about {', '.join(sorted(set(high)))}: "
            "make them larger"
        )
    given = [name for name, each in guesses.items() if each.given_away and name not in high]
    if given:
        causes.append(
            f"everybody in some class has the same of {', '.join(sorted(given))}, as fewer than half of all have: "
            "make the classes larger"
        )
    return judged(
        INFERENCE,
        not causes,
        "; ".join(causes) or f"no sensitive value is guessed with more than {float(most):.0%} of the doubt taken away",
        advantage={each.name: float(each.inference_advantage) for each in published},
        advantage_asked=float(most),
        left_out={
            name: {
                "advantage": float(each.advantage),
                "values": each.values,
                "rows_without": each.rows - each.found,
                "rows_given_away": each.given_away,
            }
            for name, each in guesses.items()
        },
        linked_by=facts.held.key,
    )


def guesses_of(facts: ResultFacts, held: Held) -> dict[str, Guesses]:
    """The figures of each held column that is linked to the rows, by its name."""
    linked = [(each, each.values) for each in held.columns if each.values is not None]
    if not linked:
        return {}
    with stored(_numbered(facts.table, facts.columns("quasi_identifier"), held.key)) as rows:
        return {each.name: measure_guesses(rows, _in_bins(each, values)) for each, values in linked}


def measure_guesses(rows: ir.Table, values: ir.Table) -> Guesses:
    """How well a value is guessed by the class of a row.

    rows: `number` and `size` of the class of each row, `chance`, the number of one drawn by chance, and its `key`;
    values: every `value` that there is of a `key`.
    """
    known = values.filter(values["value"].notnull()).distinct()
    beside = rows.left_join(known, rows["key"] == known["key"])
    of_rows = beside.select(rows["number"], rows["size"], rows["chance"], known["value"])
    total = int(rows.count().to_pyarrow().as_py())
    with stored(of_rows) as pairs, stored(_cells(pairs, "number", "size")) as cells:
        chance = _cells(pairs, "chance")
        is_given = (cells["rows"] == cells["size"]) & (2 * cells["total"] < total)
        given = cells.filter(is_given).select("number", "size").distinct()
        told = only_row(
            cells.aggregate(
                values=cells["value"].nunique(), without=cells["value"].isnull().ifelse(cells["rows"], 0).sum()
            )
        )
        return Guesses(
            total,
            total - int(told["without"] or 0),
            int(told["values"]),
            _guess(cells, chance),
            _guess(cells.filter(2 * cells["total"] <= total), chance.filter(2 * chance["total"] <= total)),
            int(only_row(given.aggregate(rows=given["size"].sum()))["rows"] or 0),
        )


def _numbered(table: ir.Table, quasi_identifiers: Sequence[str], key: str) -> ir.Table:
    """Each row by its class: number, size, the number of a class drawn by chance, and the pseudonym of its person.

    The pseudonym is a keyed hash, so that its order is chance, and the same each time.
    """
    quasi = {f"quasi_{place}": table[name] for place, name in enumerate(quasi_identifiers)}
    sized = table.group_by(**quasi).agg(size=table.count())
    classes = sized.mutate(number=ibis.row_number().over(order_by=list(quasi)))
    same = [table[name].identical_to(classes[f"quasi_{place}"]) for place, name in enumerate(quasi_identifiers)]
    joined = table.join(classes, same).select(classes["number"], classes["size"], key=table[key])
    placed = joined.mutate(
        drawn=ibis.row_number().over(order_by=["key", "number"]),
        place=ibis.row_number().over(order_by=["number", "key"]),
    )
    places = placed.select(of_place="place", chance="number")
    drawn = placed.join(places, placed["drawn"] == places["of_place"])
    return drawn.select("number", "size", "chance", "key")


def _cells(pairs: ir.Table, *by: str) -> ir.Table:
    """By class and value: the rows that have it in the class, and in all."""
    cells = pairs.group_by(*by, "value").agg(rows=pairs.count())
    return cells.mutate(total=cells["rows"].sum().over(group_by="value").cast("int64"))


def _guess(cells: ir.Table, chance: ir.Table) -> Guess:
    """The guess among the values of some cells, and of those of classes drawn by chance."""
    return Guess(_right(cells, "number"), _most(cells, "total"), _right(chance, "chance"))


def _right(cells: ir.Table, by: str) -> int:
    """The rows that have the most frequent value of their class."""
    largest = cells.group_by(by).agg(largest=cells["rows"].max())
    return int(only_row(largest.aggregate(right=largest["largest"].sum()))["right"] or 0)


def _most(cells: ir.Table, column: str) -> int:
    return int(only_row(cells.aggregate(most=cells[column].max()))["most"] or 0)


def _in_bins(column: HeldColumn, values: ir.Table) -> ir.Table:
    """The values in the form in which they are guessed: quantities by bins, moments by their day, all else as it is."""
    kind = values["value"].type()
    if kind.is_timestamp():
        return values.select("key", value=values["value"].date())
    if not kind.is_numeric() or (kind.is_integer() and not column.is_quantity):
        return values
    declared = Column.model_validate(
        {
            "name": "value",
            "logicalType": "number",
            "role": "measure",
            "decisionResolution": column.resolution,
            "description": "a sensitive quantity",
        }
    )
    rows, (profile,) = profiles_of(values, [declared])
    codes = codes_of(values, coded_columns(values, [(declared, profile)], rows), key=values["key"])
    return codes.select("key", value=codes[code_name(0)])


def _unlinked(component: str, held: Held, guesses: Mapping[str, Guesses], strangers: int) -> Iterator[str]:
    """Why what the vault holds was not measured; the link must be there, hold for every row, and lead to records."""
    for each in held.columns:
        if each.cause:
            yield f"{each.name} cannot be linked with the rows, though they are made from it: {each.cause}"
    if strangers:
        yield (
            f"of {counted(strangers, 'row')} the vault does not know whose {held.key} it is: make it pseudonym"
            f"('{component}', ...) of a pseudonym of the resource layer, and build the component again"
        )
    filled = {each.name for each in held.columns if each.is_filled}
    cut = sorted(name for name, each in guesses.items() if name in filled and not each.found)
    if cut and not strangers:
        yield f"no row finds its person in {', '.join(cut)}, though it is made from it: look at how both are keyed"


def _strangers(facts: ResultFacts, held: Held) -> int:
    """Rows of whose pseudonym the vault does not know whose it is."""
    if held.people is None:
        return 0
    rows, people = facts.table, held.people.select(person="key").distinct()
    beside = rows.left_join(people, rows[held.key] == people["person"])
    return int(beside.aggregate(number=beside["person"].isnull().sum()).to_pyarrow()["number"][0].as_py() or 0)
