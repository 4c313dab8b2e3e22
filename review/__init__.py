"""Security review S(X) = f(O, M, R)."""
