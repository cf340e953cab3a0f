"""What must be so of a record: each check is one function from ``Evidence`` to sentences that say what is wrong."""
