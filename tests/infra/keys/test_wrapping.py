"""N-S1, B3: a wrapped key is of use in its own row, and under the master key that wrapped it."""

from uuid import UUID

import pytest
from msgspec import structs

from infra.keys.master import UnknownMasterError, local_master
from infra.keys.wrapping import (
    TenantKey,
    WrappedDataKey,
    WrappedTenantKey,
    WrappingError,
    new_data_key,
    new_tenant_key,
    unwrap_data_key,
    unwrap_tenant_key,
)
from infra.secret import Secret

OLD, NEW = Secret(b"the old master secret, 32 bytes and more"), Secret(b"the new master secret, 32 bytes and more")
TENANT, OTHER, ADA = UUID(int=1), UUID(int=2), UUID(int=3)


def made(*secrets: Secret) -> tuple[TenantKey, WrappedTenantKey]:
    key = new_tenant_key(local_master(*secrets), TENANT)
    assert key.unstored is not None
    return key, key.unstored


def opens(one: TenantKey, other: TenantKey) -> bool:
    """Whether both are the same key."""
    return other.box.decrypt(b"n" * 12, one.box.encrypt(b"n" * 12, b"text", b""), b"") == b"text"


def test_a_tenant_key_is_unwrapped_by_the_master_key_that_wrapped_it() -> None:
    key, row = made(OLD)
    assert opens(key, unwrap_tenant_key(local_master(OLD), TENANT, row))
    assert unwrap_tenant_key(local_master(OLD), TENANT, row).unstored is None


def test_a_new_master_key_leaves_what_the_old_one_wrapped_readable() -> None:
    key, row = made(OLD)
    assert opens(key, unwrap_tenant_key(local_master(NEW, OLD), TENANT, row))
    assert made(NEW, OLD)[1].master == local_master(NEW).current != local_master(OLD).current


def test_without_its_master_key_nothing_is_unwrapped() -> None:
    _, row = made(OLD)
    with pytest.raises(UnknownMasterError, match=row.master):
        unwrap_tenant_key(local_master(NEW), TENANT, row)


def test_a_tenant_key_in_another_row_is_refused() -> None:
    _, row = made(OLD)
    with pytest.raises(UnknownMasterError, match="changed"):
        unwrap_tenant_key(local_master(OLD), OTHER, row)
    with pytest.raises(UnknownMasterError, match="changed"):
        unwrap_tenant_key(local_master(OLD), TENANT, structs.replace(row, id=b"x" * 9))


def test_a_data_key_is_unwrapped_by_its_tenants_key() -> None:
    tenant_key, _ = made(OLD)
    key, row = new_data_key(tenant_key, TENANT, ADA, "contact", 2026)
    found = unwrap_data_key(tenant_key, TENANT, row)
    assert found == key
    assert found.box.decrypt(b"n" * 12, key.box.encrypt(b"n" * 12, b"text", b""), b"") == b"text"
    assert (row.subject, row.data_class, row.year, row.id, row.tenant_key) == (
        ADA, "contact", 2026, key.id, tenant_key.id,
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [{"subject": OTHER}, {"data_class": "user"}, {"year": 2025}, {"id": b"x" * 9}, {"wrapped": b"x" * 60}],
)
def test_a_data_key_in_another_row_is_refused(changes: dict[str, object]) -> None:
    tenant_key, _ = made(OLD)
    _, row = new_data_key(tenant_key, TENANT, ADA, "contact", 2026)
    with pytest.raises(WrappingError):
        unwrap_data_key(tenant_key, TENANT, structs.replace(row, **changes))
    with pytest.raises(WrappingError):
        unwrap_data_key(tenant_key, OTHER, row)


def test_a_destroyed_key_is_none() -> None:
    tenant_key, _ = made(OLD)
    assert unwrap_data_key(tenant_key, TENANT, WrappedDataKey(ADA, "contact", 2026, b"k" * 9, b"t" * 9, None)) is None


def test_no_two_keys_are_alike() -> None:
    tenant_key, _ = made(OLD)
    rows = [new_data_key(tenant_key, TENANT, ADA, "contact", 2026)[1] for _ in range(100)]
    assert len({row.id for row in rows}) == len({row.wrapped for row in rows}) == 100


def test_secrets_do_not_show_when_keys_are_printed() -> None:
    tenant_key, row = made(OLD)
    key, _ = new_data_key(tenant_key, TENANT, ADA, "contact", 2026)
    for shown in map(repr, (tenant_key, row, key, local_master(OLD))):
        assert "old master secret" not in shown
        assert str(key.key) not in shown
        assert "AESGCM(" not in shown
