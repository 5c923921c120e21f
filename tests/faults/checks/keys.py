"""The keys of personal data as the checker has them: all that an administrator sees, unwrapped as needed."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.event_store.opened import Find
from infra.keys.keyring import UnknownKeyError
from infra.keys.master import Master
from infra.keys.wrapping import TenantKey, WrappedDataKey, WrappedTenantKey, unwrap_data_key, unwrap_tenant_key

_TENANT_KEYS = """
SELECT tenant_id, id, master, wrapped FROM store.tenant_key WHERE %(all)s OR tenant_id = ANY(%(tenants)s)
"""
_DATA_KEYS = """
SELECT tenant_id, subject, data_class, year, id, tenant_key, wrapped
  FROM store.data_key WHERE %(all)s OR tenant_id = ANY(%(tenants)s)
"""


def finder(connection: psycopg.Connection[Any], master: Master, tenants: Sequence[UUID] | None) -> Find:
    """What opens the events of all tenants, or of some."""
    scope = {"all": tenants is None, "tenants": list(tenants or ())}
    wrapping = {(row[0], row[1]): WrappedTenantKey(*row[1:]) for row in connection.execute(_TENANT_KEYS, scope)}
    wrapped = {(row[0], row[1], row[4]): WrappedDataKey(*row[1:]) for row in connection.execute(_DATA_KEYS, scope)}

    @lru_cache(maxsize=1000)
    def tenant_key(tenant_id: UUID, key_id: bytes) -> TenantKey:
        return unwrap_tenant_key(master, tenant_id, wrapping[tenant_id, key_id])

    @lru_cache(maxsize=10_000)
    def find(tenant_id: UUID, subject: UUID, key_id: bytes) -> AESGCM | None:
        row = wrapped.get((tenant_id, subject, key_id))
        if row is None:
            raise UnknownKeyError(tenant_id, subject, key_id)
        key = unwrap_data_key(tenant_key(tenant_id, row.tenant_key), tenant_id, row)
        return key.box if key else None

    return find
