"""The power-user programme as documents B and C describe it: KPIs, segments, archetypes, how much a few do.

In: snapshots and scores as frames. Out: tables. No command leads here yet: the living score will.
"""
