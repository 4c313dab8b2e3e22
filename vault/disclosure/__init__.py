"""What releases disclose together: whose data stood behind each, and what privacy budgets were spent."""
