"""What changed from one snapshot to the next: declared triggers that fire once, and who moved between bands.

In: snapshots and scores of several dates. Out: tables of events and moves. No command leads here yet: the living score
will.
"""
