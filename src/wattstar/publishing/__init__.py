"""What is made of records for others to read: labels, impact, exports. Runs no model and asks no network."""
