"""What people see of records and ratings: the leaderboard, labels, impact, exports. Never runs a model."""
