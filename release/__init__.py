"""What a release takes: one version everywhere, archives that are whole, and a proof that they run.

* `check` has the order of the checks and says how each went.
* `sources` copies what git tracks; `archives` builds of it; `contents` says what has to be inside.
* `environments` installs; `library`, `demo` and `npm` use what was installed.
* `versions` and `changelog` keep the version in one place and its copies equal.
* `commands` runs other programs, and `failure` is the one error.

`contents`, `changelog` and what `versions` does to texts are pure.
"""
