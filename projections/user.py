"""Users: who is who in histories and as owners."""

from domain.user import UserRegistered
from projections.named import named

PROJECTION = named("user", 1, UserRegistered)
