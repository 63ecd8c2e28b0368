"""What is written on runs, versions and models in Markdown, where people look first in the MLflow UI."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pandas as pd

from powerml.reports.run_pictures import BANDS, SCORERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from powerml.reports.part import Part

LARGEST_SHARES = 8


def session_note(
    headline: str,
    parts: Sequence[Part],
    *,
    question: str,
    challenger: str,
    own: str,
    runs: Mapping[str, str],
    several: bool,
) -> str:
    """The session: question, verdict, bands, pictures, and where its runs are.

    `own`: the id of the session's run; `runs`: those of the scorers' by name; `several`: whether they are compared.
    """
    told = {part.code: part for part in parts}
    said = [f"**{headline}**"]
    if question:
        said.insert(0, f"*{question}*")
    said += list(told["verdicts"].sentences[1:]) if "verdicts" in told else []
    said += list(told["choice"].sentences) if "choice" in told else []
    bands = told["bands"].for_reading if "bands" in told else None
    if bands is not None:
        said.append(markdown_table(_bands_in_short(bands)))
    if challenger in runs:
        said.append(f"![Outcomes by band]({_file(runs[challenger], f'{BANDS}.svg')})")
        said.append(f"The challenger is the run *{challenger}*: bands, reliability and weights are among its files.")
    if several:
        picture, named = _file(own, f"{SCORERS}.svg"), " ".join(run_id[:8] for run_id in runs.values())
        said.append(f"![Scorers side by side]({picture})")
        said.append(
            f"[This picture by itself]({picture}); with its tables: `powerml compare {named} --html compare.html`"
        )
    return "\n\n".join(said) + "\n"


def _bands_in_short(bands: pd.DataFrame) -> pd.DataFrame:
    """The bands in columns that fit beside a run's other facts; the document's rates are in `bands/report.html`."""
    left_out = [name for name in bands if name == "mean score" or str(name).startswith("document: ")]
    told = bands.drop(columns=left_out)
    told["share"] = [f"{100 * share:.0f} %" for share in told["share"]]
    told["mean outcome"] = ["" if mean != mean else f"{mean:.0f}" for mean in told["mean outcome"]]
    return told if told["note"].any() else told.drop(columns="note")


def _file(run_id: str, path: str) -> str:
    """The address of a run's file, as the UI serves it."""
    return f"get-artifact?path={quote(path, safe='')}&run_uuid={run_id}"


def scorer_note(
    name: str, kind: str, *, verdict: Sequence[str], shares: Mapping[str, float], remarks: Sequence[str]
) -> str:
    """One scorer: what it is, its verdict, and what its score is due to."""
    largest = sorted((item for item in shares.items() if item[1] > 0), key=lambda item: -item[1])[:LARGEST_SHARES]
    due = pd.DataFrame(largest, columns=["metric", "share of the score, %"])
    said = [f"**{name}** ({kind})", *verdict]
    if len(due):
        said.append(markdown_table(due))
    said += [f"- {remark}" for remark in remarks]
    return "\n\n".join(said) + "\n"


def markdown_table(frame: pd.DataFrame) -> str:
    """A small table in Markdown; numbers as they are read, not as they are kept.

    >>> print(markdown_table(pd.DataFrame({"band": ["At Risk|x"], "churn": [0.25]})))
    | band | churn |
    |---|---|
    | At Risk\\|x | 0.25 |
    """
    lines = [_line(frame.columns), "|" + "---|" * len(frame.columns)]
    lines += [_line(row) for row in frame.itertuples(index=False)]
    return "\n".join(lines)


def _line(cells: object) -> str:
    told = [f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in cells]  # type: ignore[attr-defined]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in told) + " |"
