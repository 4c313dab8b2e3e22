"""Data Docs: Great Expectations' own pages on what was expected and found, without any value of the data.

The pages are built by GX from our results, in a GX file context with suites, checkpoints and stored results; GX never
sees a row here. What a page shows beside counts are the places of failing rows.
"""

import errno
import fcntl
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from expectations.dialect import prepare_great_expectations
from expectations.results import ExpectationResult
from vault.contract import Expectation
from vault.errors import JinkuError

PAGES_KEPT = 5
"""Evaluations of one table whose page is kept; the history keeps them all."""

NAMES_OF_COLUMNS = frozenset({"expect_table_columns_to_match_ordered_list", "expect_table_columns_to_match_set"})
"""Types whose figure is a list, which GX's pages cannot do without."""

SITE = "local_site"
DATA_SOURCE = "vault"
WHOLE_TABLE = "whole table"
REMOTE = re.compile(
    r"""<script[^>]*\bsrc=["'](?:https?:)?//[^>]*>\s*</script>"""
    r"""|<(?:link|img)[^>]*\b(?:href|src)=["'](?:https?:)?//[^>]*>"""
    r"""|<footer\b.*?</footer>|\burl\(['"]?(?:https?:)?//[^)]*\)""",
    re.IGNORECASE | re.DOTALL,
)
STYLE = """<style>
body{font-family:system-ui,"Noto Sans CJK SC",sans-serif;margin:1rem auto;max-width:70rem;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:.5rem 0;max-width:100%}td,th{border:1px solid #ccc;padding:.3rem .5rem;
text-align:left;vertical-align:top}code,.badge{overflow-wrap:anywhere}td:first-child{white-space:nowrap}
.badge{background:#eee;border-radius:.3rem;padding:0 .3rem}
.text-success{color:#17703a}.text-danger{color:#b3261e}.text-warning{color:#8a5a00}ul{padding-left:1.2rem}
.fas{font-style:normal;font-weight:700}.fa-check-circle::after{content:"\\2713  held"}
.fa-times::after{content:"\\2717  failed"}.fa-exclamation-triangle::after{content:"\\26A0  not evaluated"}
nav,.navbar,.modal,img,.card:has(.btn-group-toggle),.card:has(nav){display:none}@media(max-width:40rem){td,th{padding:.2rem}body{font-size:.9rem}}
</style>"""
"""GX's pages load their look from other people's servers; this stands in for it, so that a page needs no network."""


@dataclass(frozen=True)
class CheckedTable:
    """One table to document: the expectations of its contract and their results, in the same order."""

    asset: str
    expectations: tuple[Expectation, ...]
    results: tuple[ExpectationResult, ...]


def publish(folder: Path, tables: Sequence[CheckedTable], run_id: str, evaluated_at: datetime) -> dict[str, Path]:
    """Build the page of each table, and the index; the page of each asset is returned.

    folder: where the GX project lives. Raises JinkuError `data_docs_unwritable` where it cannot be written, and
    `data_docs_failed` where GX does not build a page; the results themselves stand in the history either way.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # GX rewrites its files; two processes must not at once
            return _publish(folder, tables, run_id, evaluated_at)
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise JinkuError(
            "data_docs_unwritable",
            f"the quality pages cannot be written: {cause}",
            str(folder),
            "Make the folder writable and run again; the results are kept in the quality history.",
        ) from None
    except Exception as error:  # GX may raise anything; its text may quote what it was given
        raise JinkuError(
            "data_docs_failed",
            f"Great Expectations did not build the quality pages ({type(error).__name__})",
            str(folder),
            "Remove the folder and run again; the results are kept in the quality history.",
        ) from None


def index_of(folder: Path) -> Path:
    """The page that lists all others."""
    return _site(folder) / "index.html"


def page_of(folder: Path, table: CheckedTable, run_id: str, evaluated_at: datetime) -> Path:
    """Where `publish` puts the page of a table, so that it can be linked to before it is built."""
    time = evaluated_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    place = _site(folder).joinpath("validations", *table.asset.split("/"), run_id, time)
    return place / f"{_batch(table)}.html"


def _publish(folder: Path, tables: Sequence[CheckedTable], run_id: str, evaluated_at: datetime) -> dict[str, Path]:
    prepare_great_expectations()
    import great_expectations as gx
    from great_expectations.checkpoint.actions import UpdateDataDocsAction
    from great_expectations.core.run_identifier import RunIdentifier

    context = gx.get_context(mode="file", project_root_dir=folder)
    context.enable_analytics(False)
    source = _source(context, [_suite_name(table) for table in tables])
    identifiers = {}
    checkpoint_action = UpdateDataDocsAction(name="update_data_docs", site_names=[SITE])
    run = RunIdentifier(run_name=run_id, run_time=evaluated_at)
    for table in tables:
        suite = _suite(context, table)
        if not _is_kept(context.checkpoint_store, suite.name):
            _checkpoint(context, source, suite, checkpoint_action)
        _forget_old_pages(folder, suite.name)
        identifiers[table.asset] = _store(context, table, suite, run)
    suites = [identifier.expectation_suite_identifier for identifier in identifiers.values()]
    context.build_data_docs(site_names=[SITE], resource_identifiers=[*identifiers.values(), *suites])
    pages = {asset: _page(folder, identifier) for asset, identifier in identifiers.items()}
    missing = [asset for asset, page in pages.items() if not page.exists()]
    if missing:  # GX writes a line to its log and goes on
        raise RuntimeError(f"no page for {', '.join(missing)}")
    site = _site(folder)
    written = [*pages.values(), site / "index.html", *(site / "expectations").glob("**/*.html")]
    for page in written:
        _make_local(page)
    return pages


def _source(context: Any, names: Sequence[str]) -> Any:
    """The data source that checkpoints name, with an asset for each table, added at once: GX rewrites its settings at
    every addition. It points at no file: the layers' keys are not GX's to keep."""
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.datasource.fluent.sql_datasource import QueryAsset, SQLDatasource

    known = context.data_sources.all()
    present = list(known[DATA_SOURCE].assets) if DATA_SOURCE in known else []
    missing = sorted(set(names) - {asset.name for asset in present})
    if missing or DATA_SOURCE not in known:
        added = [
            QueryAsset(
                name=name,
                query=f"select * from {name.split('.', 1)[-1]}",
                batch_definitions=[BatchDefinition(name=WHOLE_TABLE)],
            )
            for name in missing
        ]
        context.data_sources.add_or_update_sql(
            datasource=SQLDatasource(
                name=DATA_SOURCE, connection_string="duckdb:///:memory:", assets=[*present, *added]
            )
        )
    return context.data_sources.get(DATA_SOURCE)


def _suite_name(table: CheckedTable) -> str:
    return table.asset.replace("/", ".")


def _suite(context: Any, table: CheckedTable) -> Any:
    from great_expectations.core import ExpectationSuite

    suite = ExpectationSuite(name=_suite_name(table))
    for expectation in table.expectations:
        with suppress(Exception):  # one that GX refuses stands on the page of results as an error, with its cause
            suite.expectations.append(_configuration(expectation, (expectation.reason,)).to_domain_obj())
    return context.suites.add_or_update(suite)


def _checkpoint(context: Any, source: Any, suite: Any, action: Any) -> None:
    """A validation definition and a checkpoint of the table's name, made once.

    GX's `add_or_update` would write the suite and the settings anew with each of them, for seconds in all.
    """
    import great_expectations as gx

    name = suite.name
    if _is_kept(context.validation_definition_store, name):
        validation = context.validation_definitions.get(name)
    else:
        whole = source.get_asset(name).get_batch_definition(WHOLE_TABLE)
        validation = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=whole, suite=suite))
    context.checkpoints.add(gx.Checkpoint(name=name, validation_definitions=[validation], actions=[action]))


def _is_kept(store: Any, name: str) -> bool:
    return bool(store.has_key(store.get_key(name=name, id=None)))


def _store(context: Any, table: CheckedTable, suite: Any, run: Any) -> Any:
    """Keep the results as GX would; their identifier is returned."""
    from great_expectations import __version__
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    found = [_gx_result(*pair) for pair in zip(table.expectations, table.results, strict=True)]
    passed = sum(bool(each.success) for each in found)
    validation = ExpectationSuiteValidationResult(
        success=passed == len(found),
        results=found,
        suite_name=suite.name,
        statistics={
            "evaluated_expectations": len(found),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(found) - passed,
            "success_percent": 100 * passed / len(found) if found else None,
        },
        meta={
            "great_expectations_version": __version__,
            "run_id": run.to_json_dict(),
            "active_batch_definition": {"datasource_name": DATA_SOURCE, "data_asset_name": suite.name},
        },
    )
    suite_identifier = ExpectationSuiteIdentifier(name=suite.name)
    identifier = ValidationResultIdentifier(
        expectation_suite_identifier=suite_identifier, run_id=run, batch_identifier=_batch(table)
    )
    context.validation_results_store.set(identifier, validation)
    return identifier


def _batch(table: CheckedTable) -> str:
    hashes = {result.batch_hash for result in table.results if result.batch_hash is not None}
    return re.sub(r"[^A-Za-z0-9_-]", "-", min(hashes)) if len(hashes) == 1 else "all-batches"  # GX cuts a name at a dot


def _gx_result(expectation: Expectation, result: ExpectationResult) -> Any:
    from great_expectations.core import ExpectationValidationResult

    notes = [
        expectation.reason,
        f"{result.severity}, {result.dimension}: {result.status}"
        + ("" if result.rate is None else f", {result.rate:.4f}"),
    ]
    if result.row_references:
        places = ", ".join(f"{each.batch[:12]}:{each.row}" for each in result.row_references)
        notes.append(f"Failing rows by batch and row: {places}")
    configuration = _configuration(expectation, tuple(notes))
    try:
        configuration.to_domain_obj()
    except Exception:  # GX has no words for what it refuses and would lose the whole page
        configuration = _refused(expectation)
    return ExpectationValidationResult(
        success=result.holds,
        expectation_config=configuration,
        result=_counts(result),
        meta={},
        exception_info=_exception(result),
    )


def _configuration(expectation: Expectation, notes: tuple[str, ...]) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.metadata_types import FailureSeverity

    return ExpectationConfiguration(
        type=expectation.type,
        kwargs=dict(expectation.arguments),
        notes=list(notes),
        severity=FailureSeverity(expectation.severity),
    )


def _refused(expectation: Expectation) -> Any:
    """A line that names an expectation GX has no words for: a query type is the only one that shows a text as it is."""
    arguments = {"unexpected_rows_query": f"{expectation.type} with arguments that are refused, on {{batch}}"}
    named = expectation.model_copy(update={"type": "unexpected_rows_expectation", "arguments": arguments})
    return _configuration(named, (expectation.reason,))


def _counts(result: ExpectationResult) -> dict[str, Any]:
    """The counts in GX's own words; shares in percent."""
    counts: dict[str, Any] = {}
    rows = result.element_count or (result.table_rows if result.type == "unexpected_rows_expectation" else 0)
    if rows:
        missing, unexpected = result.missing_count or 0, result.unexpected_count or 0
        present = rows - missing
        counts = {
            "element_count": rows,
            "missing_count": missing,
            "missing_percent": 100 * missing / rows,
            "unexpected_count": unexpected,
            "unexpected_percent_total": 100 * unexpected / rows,
            "unexpected_percent": 100 * unexpected / present if present else None,
            "unexpected_percent_nonmissing": 100 * unexpected / present if present else None,
        }
    if result.type == "unexpected_rows_expectation":
        counts["observed_value"] = result.unexpected_count
    elif result.type in NAMES_OF_COLUMNS:
        counts["observed_value"] = result.observed.split(", ") if result.observed else []
    elif result.observed is not None:
        counts["observed_value"] = result.observed
    return counts


def _exception(result: ExpectationResult) -> dict[str, Any]:
    raised = result.status == "error"
    return {
        "raised_exception": raised,
        "exception_message": result.cause if raised else None,
        "exception_traceback": "not kept: it may quote the data",
    }


def _forget_old_pages(folder: Path, suite_name: str) -> None:
    """Leave room for one more: every page kept makes the index slower to build."""
    place = Path("validations", *suite_name.split("."))  # GX turns dots into folders
    stored = folder / "gx" / "uncommitted" / place
    for evaluation in sorted(stored.glob("*/*"), key=lambda path: path.name)[: -(PAGES_KEPT - 1)]:
        run_name, time = evaluation.parts[-2:]
        for old in (evaluation, _site(folder) / place / run_name / time):
            shutil.rmtree(old, ignore_errors=True)


def _site(folder: Path) -> Path:
    return folder / "gx" / "uncommitted" / "data_docs" / SITE


def _page(folder: Path, identifier: Any) -> Path:
    return (_site(folder) / "validations").joinpath(*identifier.to_tuple()).with_suffix(".html")


def _make_local(page: Path) -> None:
    text = page.read_text("utf-8")
    if REMOTE.search(text):
        page.write_text(REMOTE.sub("", text).replace("</head>", STYLE + "</head>", 1), "utf-8")
