"""What was said, night by night, as it was said; and the ledger of the nights.

`NightHistory` is the door: `nights()` lists what is there, `scores(night)` and `snapshot(night)` read it,
`before(night, days)` gives the night to compare with. Nothing here reads sources or the
registry: a workflow brings what was scored.
"""
