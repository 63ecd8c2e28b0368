"""A handmade export as a person finds it in a shared folder: spreadsheets saved by hand, in no two ways alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

ACTIONS = ("Signed in", "Report generated", "Project created", "Comment added", "CSV exported", "Crème page viewed")
PLANS = {"Basic": 1234.5, "Plus": 2400.0, "Premium": 5900.25}


def handmade(folder: Path, *, accounts: int = 40, days: int = 420, seed: int = 23) -> Path:
    """Customers (`;`, BOM, d/m/Y, decimal commas, "MRR (£)"), users (cp1252) and activity (two date formats)."""
    rng = np.random.default_rng(seed)
    first = pd.Timestamp("2025-01-01")
    customers, users, rows = [], [], []
    for a in range(accounts):
        signed = first + pd.Timedelta(days=int(rng.integers(0, 120)))
        gone = signed + pd.Timedelta(days=int(rng.integers(120, 280))) if rng.random() < 0.35 else None
        plan = list(PLANS)[a % 3]
        customers.append((f"C-{a:03}", f"Café {a}", plan, _money(PLANS[plan]), 3 + a % 7, signed, gone, "Zoë"))
        until = min(gone or first + pd.Timedelta(days=days), first + pd.Timedelta(days=days))
        for u in range(1 + a % 3):
            email = f"user{a}_{u}@example.com"
            users.append((email, f"Renée {u}", f"C-{a:03}", signed))
            for day in pd.date_range(signed, until, freq="D", inclusive="left"):
                if rng.random() < 0.25:
                    at = day + pd.Timedelta(minutes=int(rng.integers(480, 1080)))
                    rows.append((email, ACTIONS[int(rng.integers(0, len(ACTIONS)))], at))
    folder.mkdir(parents=True, exist_ok=True)
    header = "Customer ID;Company;Plan;MRR (£);Seats;Signed up;Cancelled on;Account manager"
    lines = [
        ";".join((i, c, p, m, str(s), f"{b:%d/%m/%Y}", f"{e:%d/%m/%Y}" if e is not None else "", o))
        for i, c, p, m, s, b, e, o in customers
    ]
    (folder / "customers.csv").write_text("\n".join([header, *lines]), encoding="utf-8-sig")
    lines = [f"{e};{n};{c};{b:%d/%m/%Y}" for e, n, c, b in users]
    text = "\r\n".join(["User E-mail;Full name;Customer ID;Joined", *lines])
    (folder / "users.csv").write_bytes(text.encode("cp1252"))
    half = len(rows) // 2
    lines = [f"{e},{a},{t:%d/%m/%Y %H:%M}" for e, a, t in rows[:half]]
    lines += [f"{e},{a},{t:%Y-%m-%d %H:%M:%S}" for e, a, t in rows[half:]]
    (folder / "activity log.csv").write_bytes("\n".join(["User E-mail,Action,When", *lines]).encode("cp1252"))
    return folder


def _money(amount: float) -> str:
    whole, part = f"{amount:,.2f}".split(".")
    return f"£{whole.replace(',', '.')},{part}"
