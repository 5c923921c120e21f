"""What the lines of the golden file about notifications are read as today."""

from uuid import UUID

from domain.event import Event
from domain.notification import InboxRead, Kind, Mailed, NotificationRead, Preference, PreferencesSet

USER = UUID("01890000-0000-7000-8000-0000000000e1")

NOTIFICATIONS: dict[str, Event] = {
    "a notification read": NotificationRead(user_id=USER),
    "all notifications read": InboxRead(user_id=USER, up_to=17),
    "preferences": PreferencesSet(
        user_id=USER, kinds={Kind.MENTION: Preference(app=False, mail=Mailed.DIGEST)}, digest_hour=8
    ),
}
