"""Every setting, typed, with its default: read once by the command line, then passed down."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from thumper.errors import SettingError

GIB = 1 << 30
Positive = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """Environment variables `THUMPER_<NAME>`, or lines in a `.env` file in the current folder.

    Without kafka_bootstrap and database_url, the embedded stack in `data_dir` is meant.
    """

    model_config = SettingsConfigDict(env_prefix="THUMPER_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Path(".thumper")

    kafka_bootstrap: str | None = None
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_ca: Path | None = None
    kafka_ssl_certificate: Path | None = None
    kafka_ssl_key: Path | None = None
    topic_prefix: str = ""
    group_prefix: str = ""
    partitions: Positive = 12
    replication_factor: Positive = 1
    # Embedded: 14 s and 6 s (set by `thumper up`): a dead worker's transaction must end before its successor starts.
    session_timeout_ms: Positive = 30_000
    transaction_timeout_ms: Positive = 10_000
    # A batch may take this long before the group gives its partitions to somebody else.
    max_poll_interval_ms: Positive = 300_000

    database_url: SecretStr | None = None

    # `file:///folder` or `s3://bucket/prefix`; default: the folder `store` in data_dir.
    store: str | None = None
    store_endpoint: str | None = None
    # Folders that may be read in place (`--in-place`), separated by colons like PATH.
    roots: Annotated[tuple[Path, ...], NoDecode] = ()
    store_reserve_bytes: Annotated[int, Field(ge=0)] = 2 * GIB
    max_picture_bytes: Positive = 200_000_000

    weights: Path | None = None
    device: str = "auto"
    detectors: Positive = 1
    # 0: what suits the device, found by trying where that is CUDA.
    batch_size: Annotated[int, Field(ge=0, le=1_024)] = 0
    batch_wait_ms: Annotated[int, Field(ge=0, le=60_000)] = 50
    decode_threads: Annotated[int, Field(ge=0, le=256)] = 0
    # A picture or batch that takes longer has hung the process, which ends and starts again.
    hang_limit_s: Positive = 120
    # So many missing pictures one after the other are no accident: the store is taken to be away. 0: never.
    missing_in_a_row: Annotated[int, Field(ge=0)] = 50
    store_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    display_threshold: Annotated[float, Field(ge=0, le=1)] | None = None

    sink_batch_size: Positive = 5_000
    sink_wait_ms: Annotated[int, Field(ge=0, le=60_000)] = 100

    # More dead letters than this in a row, or than this share of a partition's last 1,000 events, and the group waits.
    dead_letter_run: Annotated[int, Field(ge=0)] = 100
    dead_letter_share: Annotated[float, Field(ge=0, le=1)] = 0.2

    api_host: str = "127.0.0.1"
    api_port: Annotated[int, Field(ge=0, le=65_535)] = 8_001
    api_token: SecretStr | None = None

    # Of detector and sink; the API has /metrics beside its other routes. 0: not served.
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] = 0

    # The monitor's rules; docs/runbook.md has a chapter for each. 0 switches off where it is allowed.
    alert_idle_pending: Annotated[int, Field(ge=0)] = 100
    alert_idle_s: Positive = 300
    alert_failed: Annotated[int, Field(ge=0)] = 1_000
    alert_failure_share: Annotated[float, Field(gt=0, le=1)] = 0.05
    alert_slow_per_minute: Annotated[int, Field(ge=0)] = 300
    alert_slow_s: Annotated[int, Field(ge=60, le=3_000)] = 600
    alert_worker_s: Positive = 30
    alert_restarts: Positive = 3
    alert_lag_s: Positive = 3_600
    alert_stuck_s: Positive = 300
    alert_letters: Annotated[int, Field(ge=0)] = 1
    alert_disk_bytes: Annotated[int, Field(ge=0)] = 5 * GIB
    # Further folders whose disks are watched, separated by colons: those of servers in other containers.
    alert_disks: Annotated[tuple[Path, ...], NoDecode] = ()
    alert_silent_days: Annotated[int, Field(ge=0)] = 30
    alert_retention_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    alert_transaction_s: Positive = 60
    # Where alerts go beside the page and the log. A webhook's address is often a password by itself.
    alert_webhook: SecretStr | None = None
    alert_alertmanager: str | None = None
    alert_quiet_s: Annotated[int, Field(ge=0)] = 600
    # What an alert's link begins with.
    alert_runbook: Annotated[str, Field(max_length=500)] = "docs/runbook.md"

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "text"] = "auto"

    @field_validator("alert_webhook", "alert_alertmanager")
    @classmethod
    def _is_http(cls, value: SecretStr | str | None) -> SecretStr | str | None:
        address = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not address:
            # Empty as in a compose file that passes on what is not set.
            return None
        if not (address.startswith(("http://", "https://")) and urlsplit(address).hostname):
            raise ValueError("no address: it begins with http:// or https://, and a host follows")
        return value

    @field_validator("roots", "alert_disks", mode="before")
    @classmethod
    def _split_roots(cls, value: object) -> object:
        return tuple(Path(part) for part in value.split(":") if part) if isinstance(value, str) else value

    @property
    def embedded(self) -> bool:
        """Whether these settings mean the embedded stack."""
        return self.kafka_bootstrap is None or self.database_url is None

    @property
    def store_url(self) -> str:
        """Where pictures are copied to: a `file://` or `s3://` address without a trailing slash."""
        if self.store is None:
            return (self.data_dir.absolute() / "store").as_uri()
        return self.store.rstrip("/")


def read_settings(**overrides: object) -> Settings:
    """Settings from the environment and `.env`, with `overrides` on top (None means: not given).

    Raises SettingError that names each wrong setting by its variable, without showing secrets.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = [
            f"THUMPER_{'.'.join(str(part) for part in item['loc']).upper()}: {item['msg']}" for item in error.errors()
        ]
        raise SettingError("; ".join(wrong), "correct it in the environment or in .env") from None
