"""Who somebody is to the pages, and what they are at each place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What somebody is at a place. Each role may what those before it may."""

    VIEWER = "viewer"
    OFFICE = "office"
    ADMIN = "admin"

    def reaches(self, least: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(least)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may log in.

    Attributes:
        login: as it is typed, in lower case.
        password_hash: empty: none has been set, so that nothing opens it.
        operator: may everything, at every place.
        must_change: the password was chosen by somebody else.
        roles: place to role; a place is whatever the pages divide by.
    """

    user_id: str
    login: str
    name: str
    password_hash: str = field(repr=False)
    operator: bool = False
    must_change: bool = False
    disabled: bool = False
    roles: Mapping[str, Role] = field(default_factory=dict)

    def is_at_least(self, least: Role, place: str) -> bool:
        """Whether this account has ``least`` or more at ``place``."""
        role = self.roles.get(place)
        return self.operator or (role is not None and role.reaches(least))

    def belongs_to(self, place: str) -> bool:
        """Whether ``place`` may be known to exist at all."""
        return self.operator or place in self.roles
