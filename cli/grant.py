"""`thumper grant`: the least rights that a part works with, in Kafka and in PostgreSQL."""

from typing import Annotated, Literal

import typer

from thumper.errors import UserError
from thumper.settings import Settings, read_settings

Part = Literal["import", "detector", "sink", "api"]
PartName = Annotated[Part, typer.Argument(help="import, detector, sink or api.", show_default=False)]
User = Annotated[str | None, typer.Option("--kafka-user", help="The user that the part is in Kafka.")]
Role = Annotated[str | None, typer.Option("--database-role", help="The role that the part is in PostgreSQL.")]


def grant_command(part: PartName, kafka_user: User = None, database_role: Role = None) -> None:
    """Give a user of Kafka, or a role of PostgreSQL, the rights that one part needs, and no more. After `thumper init`.

    It needs an administrator's settings: leave to alter the cluster, and the tables' owner.
    """
    from cli.parts import settings_for_parts

    if kafka_user is None and database_role is None:
        raise UserError("neither --kafka-user nor --database-role is given", "say who is to have the rights")
    for line in grant(settings_for_parts(read_settings()), part, kafka_user, database_role):
        print(line)


def grant(settings: Settings, part: str, user: str | None, role: str | None) -> list[str]:
    """Says what was given. Raises UserError, Retriable."""
    from sinks.postgres import grants
    from thumper import rights

    said = []
    if user is not None:
        said.append(f"Kafka: user {user} has {rights.grant(settings, part, user)} rights as {part}")
    if role is not None:
        if part == "detector":
            raise UserError("a detector does not look into the database", "it needs no role")
        grants.grant(settings, part, role)
        said.append(f"PostgreSQL: role {role} may {'write' if part in grants.WRITERS else 'read'} the tables")
    return said
