"""The processes of one training, each by itself: its loss, its pace, and whether it still lives."""

from lrwatch.ranks.reading import RankState, rank_states, read_ranks
from lrwatch.ranks.words import said_of_ranks

__all__ = ["RankState", "rank_states", "read_ranks", "said_of_ranks"]
