"""What a night keeps for the next: roll-ups per day in a file beside the project, days long past folded to a row per
user.

In: the files of events and what they looked like last time. Out: the same roll-ups a cold run makes, from fewer days.
"""
