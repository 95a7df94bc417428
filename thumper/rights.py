"""What each part may do in a cluster with access lists (ACLs): the least that it works with."""

from collections.abc import Iterator, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError

from confluent_kafka import KafkaException
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from thumper.errors import KafkaDown, UserError
from thumper.kafka import Names, make_admin
from thumper.settings import Settings
from thumper.topics import TOPICS

# Every part reads every topic. What it writes:
WRITES: Mapping[str, tuple[str, ...]] = {
    "import": ("images", "facts"),
    # Whoever sees that a drain has come to its end says so in `control`.
    "detector": ("detections", "facts", "dead-letters", "workers", "alerts", "control"),
    "sink": ("dead-letters", "workers", "alerts", "control"),
    # An upload is an import.
    "api": ("requests", "control", "images", "facts"),
}
# Whose positions a part moves: a member those of its group, the API those of the detector (replays). All see all.
MEMBERS = ("detector", "sink")
MOVES: Mapping[str, str] = {"detector": "detector", "sink": "sink", "api": "detector"}
# Side runs and shadows are detectors in groups of their own.
SIDE_GROUPS = ("replay.", "shadow.")
PARTS = tuple(WRITES)


def grants(settings: Settings, part: str, user: str) -> list[AclBinding]:
    """The access list of `user` as `part` (one of PARTS)."""
    names = Names(settings)
    found = [
        *_on_topics(names, "READ", TOPICS),
        *_on_topics(names, "DESCRIBE_CONFIGS", TOPICS),
        *_on_topics(names, "WRITE", WRITES[part]),
        # Readers that belong to no group name one all the same.
        (ResourceType.GROUP, names.group("reader"), False, "READ"),
        *((ResourceType.GROUP, names.group(group), False, "DESCRIBE") for group in MEMBERS),
    ]
    if part in MOVES:
        found.append((ResourceType.GROUP, names.group(MOVES[part]), False, "READ"))
    if part == "detector":
        found += [(ResourceType.GROUP, names.group(start), True, "READ") for start in SIDE_GROUPS]
        # Named by worker and host, behind the prefix of groups.
        own = names.group("")
        found.append((ResourceType.TRANSACTIONAL_ID, own or "*", bool(own), "WRITE"))
    return [_binding(user, *one) for one in found]


def grant(settings: Settings, part: str, user: str, timeout_s: float = 30.0) -> int:
    """Give `user` what `part` needs; how many entries. Again does no harm. `settings` are those of an administrator.

    Raises UserError if the cluster refuses, KafkaDown if it does not answer.
    """
    wanted = grants(settings, part, user)
    # Kept, or its answers go with it.
    admin = make_admin(settings)
    for future in admin.create_acls(wanted, request_timeout=timeout_s).values():
        try:
            future.result(timeout_s)
        except KafkaException as error:
            raise UserError(
                f"Kafka gives user {user} no rights: {error.args[0].str()}",
                "the cluster needs an authorizer, and you the right to ALTER the cluster",
            ) from None
        except FutureTimeoutError:
            raise KafkaDown(f"no answer from Kafka within {timeout_s:.0f} s") from None
    return len(wanted)


Right = tuple[ResourceType, str, bool, str]


def _on_topics(names: Names, operation: str, topics: "Mapping[str, object] | tuple[str, ...]") -> Iterator[Right]:
    return ((ResourceType.TOPIC, names.topic(topic), False, operation) for topic in topics)


def _binding(user: str, kind: ResourceType, name: str, is_prefix: bool, operation: str) -> AclBinding:
    pattern = ResourcePatternType.PREFIXED if is_prefix else ResourcePatternType.LITERAL
    return AclBinding(kind, name, pattern, f"User:{user}", "*", AclOperation[operation], AclPermissionType.ALLOW)
