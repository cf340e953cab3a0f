"""What people see of records and ratings: the leaderboard, labels. Never runs a model."""
