"""What the lines of the golden file about settings of tenants are read as today."""

from domain.event import Event
from domain.tenant_settings import SettingsChanged

SETTINGS: dict[str, Event] = {
    "all settings": SettingsChanged(timezone="Europe/Berlin", currency="USD", inactivity_days=14, digest_hour=8),
    "one setting": SettingsChanged(inactivity_days=7),
}
