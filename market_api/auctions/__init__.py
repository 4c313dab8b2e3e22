"""Auctions (竞价): lots whose rules are fixed before the first bid, and whose outcome anybody can replay."""
