"""The ledger: double entry in whole fen. Every posting moves money from one account to another, so none is made."""
