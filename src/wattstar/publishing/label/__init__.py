"""The energy label: one SVG that says what a model takes, how sure that is, and by what; and can be worked out again."""
