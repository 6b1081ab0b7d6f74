"""What a record says: when a run memorised, turned and grokked."""
