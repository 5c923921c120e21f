"""Use cases of what users are told of."""

from commands.handle import UseCase
from commands.notifications import notifications
from domain.notification import Preferences, Read, evolve_preferences, evolve_read

READ_NOTIFICATION: UseCase[notifications.ReadOne, Read] = UseCase(
    kind="notification", evolve=evolve_read, decide=notifications.read_one, starts=True
)
READ_INBOX: UseCase[notifications.ReadAll, Read] = UseCase(
    kind="inbox", evolve=evolve_read, decide=notifications.read_all, starts=True
)
SET_PREFERENCES: UseCase[notifications.Wanted, Preferences] = UseCase(
    kind="notification_preferences", evolve=evolve_preferences, decide=notifications.prefer, starts=True
)
