"""Every aggregate there is. A new one adds its name here, so that its topics are known before anything is decoded."""

from domain import (
    api_key,
    company,
    contact,
    custom_field,
    customer,
    imports,
    interaction,
    lead,
    matching,
    relationship,
    role,
    security,
    session,
    team,
    tenant,
    user,
)

AGGREGATES = (
    api_key,
    company,
    contact,
    custom_field,
    customer,
    imports,
    interaction,
    lead,
    matching,
    relationship,
    role,
    security,
    session,
    team,
    tenant,
    user,
)
