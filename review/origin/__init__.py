"""Origin, the O of S(X) = f(O, M, R): whether a component may be made of its sources at all. Source: models §7."""
