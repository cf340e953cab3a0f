"""From a plan to records: a worker says when, meters say how much, and one place works out the energy."""
