"""What is made of records and ratings for others to see."""
