"""What is asked: one file a task, named by the Hub's pipeline tag."""
