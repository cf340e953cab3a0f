"""The energy label: one SVG that says what a model takes, how sure that is, and that can be worked out again."""
