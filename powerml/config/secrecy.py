"""What may be a secret that somebody wrote into a file: it is refused where it matters, and never shown."""

from __future__ import annotations

import re

BEGINNINGS = r"(?:ph[cxrs]_|sk[-_]|pk_|xox[abp]-|gh[opsu]_|whsec_|eyJ|Bearer )"
"""What the tokens of services begin with: also what no name of an environment variable may hold."""
_TOKEN = re.compile(
    rf"\b{BEGINNINGS}"
    r"|://[^/@\s]*@|\b(?=\w*\d)(?=\w*[a-zA-Z])\w{24,}"
)
"""Tokens by their beginnings, addresses with a login, and long words of letters and digits."""


def may_be_secret(text: str) -> bool:
    """Whether a text holds what may be a token or an address with a login.

    >>> may_be_secret("phx_abc"), may_be_secret("postgresql://me:pw@host/db"), may_be_secret("power_user_candidates")
    (True, True, False)
    """
    return _TOKEN.search(text) is not None
