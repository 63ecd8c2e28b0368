"""`powerml compare --html`: scorers against each other on one page, the sentences first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.reports.document.blocks import Page, PageTable, Picture, Section, Told, missing
from powerml.reports.document.render import render
from powerml.reports.run_pictures import scorers_picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from powerml.reports.document.blocks import ColumnKind, Piece

MEASURES = ("log_loss", "auroc_churn", "auroc_expand")
"""The three figures beside the weights; of a custom outcome its own AUROC."""


def comparison_page(
    names: Sequence[str],
    sentences: Sequence[str],
    shares: Mapping[str, Mapping[str, float]],
    measures: pd.DataFrame | None,
    pairs: pd.DataFrame | None,
    agreements: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]],
) -> str:
    """The page; `agreements` by pair are who changes band and who enters or leaves the top."""
    picture, weights = scorers_picture(shares, {name: _figures(name, measures) for name in names})
    first = next((i for i, sentence in enumerate(sentences) if not sentence.endswith(":")), 0)
    blocks: list[Piece] = [Told(sentence, "verdict" if i == first else "plain") for i, sentence in enumerate(sentences)]
    blocks.append(Picture(picture, PageTable(weights, "scorers", first=0)))
    if measures is not None and pairs is not None:
        kinds: dict[str, ColumnKind] = dict.fromkeys(("value", "low", "high"), "number")
        blocks.append(PageTable(measures, "measures", "How well each predicts (95 % intervals, by account)", kinds))
        blocks.append(PageTable(pairs, "pairs", "In pairs (gain of the second, Holm over pairs)", kinds))
    else:
        blocks.append(
            missing("No outcome could be held out, so nobody is called better", "give a project with outcomes")
        )
    moved: list[Piece] = []
    for pair, (moves, top) in agreements.items():
        moved.append(PageTable(moves[moves["from"] != moves["to"]], f"moves {pair}", f"Bands, {pair}"))
        moved.append(PageTable(top, f"top {pair}", f"Enters and leaves the 20 highest and lowest, {pair}"))
    sections = (
        Section("compare", "Which of them predicts better?", "Better", tuple(blocks)),
        Section("agreement", "Who would be ranked otherwise?", "Ranks", tuple(moved)),
    )
    return render(Page(f"Compared: {', '.join(names)}", (), sections))


def _figures(name: str, measures: pd.DataFrame | None) -> dict[str, float]:
    if measures is None:
        return {}
    mine = measures[measures["scorer"] == name].set_index("measure")["value"]
    wanted = [each for each in MEASURES if each in mine.index]
    wanted += [each for each in mine.index if each.startswith("auroc_") and each not in wanted][: 3 - len(wanted)]
    return {each.replace("_", " "): float(mine[each]) for each in wanted}
