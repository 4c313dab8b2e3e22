"""Trading: orders, and the ways in which they come about: a posted price, a negotiation, an auction."""
