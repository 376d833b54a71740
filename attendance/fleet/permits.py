"""Who may do what at the centre: each deed with the least role in the school concerned. Operators may everything."""

from collections.abc import Mapping
from enum import StrEnum

from attendance.access.identity import Account, Role


class Deed(StrEnum):
    """What somebody does with a school's gates and records."""

    SEE_GATES = "see the gates"
    SEE_NAMES = "see names of students"
    COMMAND = "give gates commands"
    SETTLE = "settle records that could not be taken"
    CONFIGURE = "change settings of gates"
    ENROL = "invite, rename and revoke gates"
    MANAGE_PEOPLE = "manage people"
    READ_AUDIT = "read what people did"


LEAST: Mapping[Deed, Role] = {
    Deed.SEE_GATES: Role.VIEWER,
    Deed.SEE_NAMES: Role.OFFICE,
    Deed.COMMAND: Role.OFFICE,
    Deed.SETTLE: Role.OFFICE,
    Deed.CONFIGURE: Role.ADMIN,
    Deed.ENROL: Role.ADMIN,
    Deed.MANAGE_PEOPLE: Role.ADMIN,
    Deed.READ_AUDIT: Role.ADMIN,
}


def may(account: Account, deed: Deed, school_id: str) -> bool:
    return account.is_at_least(LEAST[deed], school_id)


def may_anywhere(account: Account, deed: Deed) -> bool:
    """Whether there is any school in which they may."""
    return account.operator or any(may(account, deed, school_id) for school_id in account.roles)


def may_manage(account: Account, other: Account) -> bool:
    """Whether ``account`` may reset the other's password or close their account.

    Only where all that the other one can do is the account's to give: else the admin of one school could take over
    somebody of another, or an operator.
    """
    if account.user_id == other.user_id or other.operator:
        return account.operator and account.user_id != other.user_id
    return account.operator or all(may(account, Deed.MANAGE_PEOPLE, school_id) for school_id in other.roles)
