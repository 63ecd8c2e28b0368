"""MLflow: runs with weights and figures, the registered scorer, its aliases, and when it is due for another look.

In: judged scorers. Out: one parent run per session with a run per scorer below it, one registered model per project
whose aliases are `challenger` and `champion`. The store is a file beside the project unless the project names another.
"""
