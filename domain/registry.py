"""Every aggregate there is. A new one adds its name here, so that its topics are known before anything is decoded."""

from domain import company, contact, role, security, session, team, tenant, user

AGGREGATES = (company, contact, role, security, session, team, tenant, user)
