"""What changed from one night to the next: rules that ring once, lists, bands, brakes, and what playbooks did.

In: snapshots and scores of several dates. Out: tables of what rang, who is listed and who moved. The
commands `night`, `list`, `alerts` and `impact` lead here.
"""
