"""What a release takes: one version everywhere, archives that are whole, and a proof that they run.

::

    __main__ → check ─┬→ library | demo | npm ─→ environments ─┐
                      ├→ archives | sources ───────────────────┼→ commands → failure
                      └→ contents | versions → changelog ──────┘

`contents`, `changelog` and what `versions` does to texts are pure.
"""
