"""The page's sections: what is known in, what is read out. Each says what it lacks and how to supply it.

`facts.Facts` is all they read; `SECTIONS` in `whole` are their ids, which are a contract, in their order.
"""
