"""What is written on runs, versions and models in Markdown, where people look first in the MLflow UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from powerml.reports.part import Part

PICTURE = "bands/rates.png"
LARGEST_SHARES = 8


def session_note(
    headline: str, parts: Sequence[Part], *, question: str, challenger: str, runs: Mapping[str, str]
) -> str:
    """The session: question, verdict, bands, picture, and where its runs are."""
    told = {part.code: part for part in parts}
    said = [f"**{headline}**"]
    if question:
        said.insert(0, f"*{question}*")
    said += list(told["verdicts"].sentences[1:]) if "verdicts" in told else []
    said += list(told["choice"].sentences) if "choice" in told else []
    bands = told["bands"].for_reading if "bands" in told else None
    if bands is not None:
        said.append(markdown_table(bands))
    if challenger in runs:
        said.append(f"![Outcomes by band](get-artifact?path={PICTURE}&run_uuid={runs[challenger]})")
        said.append(f"The challenger is the run *{challenger}*: bands, reliability and weights are among its files.")
    return "\n\n".join(said) + "\n"


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
