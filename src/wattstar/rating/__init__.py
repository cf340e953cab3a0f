"""Stars: pure functions of records. A rating never runs a model."""

from wattstar.rating.populations import populations
from wattstar.rating.stars import rate

__all__ = ["populations", "rate"]
