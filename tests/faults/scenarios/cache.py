"""Fault 12: Valkey. Idempotency and access are the event store's business; Valkey spares a second try some work."""

from tests.acceptance.installation import Tenant
from tests.acceptance.people import Person, login, person
from tests.faults.trial import Trial
from tests.waiting import PATIENCE

_SLOWEST_SECONDS = PATIENCE / 2


def frozen_or_gone(trial: Trial) -> None:
    """It accepts everything and answers nothing, or is killed: no write waits for it, nobody keeps what was taken."""
    tenant = Tenant(trial.site.url, "Fault 12")
    user = person(trial.site.installation, tenant, ["sales"])
    for _ in trial.rounds(1, 3):
        trial.load.slowest()
        with trial.frozen("valkey"):
            trial.load.until_acked(60)
            _obeyed_at_once(tenant, user)
        trial.kill("valkey")
        _obeyed_at_once(tenant, user)
        trial.load.until_acked(60)
        slowest = trial.load.slowest()
        assert slowest < _SLOWEST_SECONDS, f"a write took {slowest:.1f} s"
    tenant.http.close()


def _obeyed_at_once(tenant: Tenant, user: Person) -> None:
    """The first request after each answer obeys it."""
    users, mine = f"/v1/users/{user.id}", "/v1/contacts"
    assert user.http.get(mine).status_code == 200
    for roles, status in (([], 403), (["sales"], 200)):
        tenant.http.put(f"{users}/roles", json={"roles": roles}).raise_for_status()
        assert user.http.get(mine).status_code == status, roles
    tenant.http.post(f"{users}/suspend").raise_for_status()
    assert user.http.get(mine).status_code == 401
    tenant.http.post(f"{users}/restore").raise_for_status()
    assert user.http.get(mine).status_code == 401, "its session is over"
    user.http.headers["Authorization"] = f"Bearer {login(user.http, user.email)['access_token']}"
    assert user.http.get(mine).status_code == 200
