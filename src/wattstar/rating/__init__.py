"""Stars and comparisons: pure functions of records. A rating never runs a model."""

from wattstar.rating.comparisons import compare
from wattstar.rating.populations import populations
from wattstar.rating.stars import rate

__all__ = ["compare", "populations", "rate"]
