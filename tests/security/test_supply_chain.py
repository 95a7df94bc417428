"""What is installed: locked by hash, new enough, and an audit that cannot pass without having looked."""

import os
import re
import subprocess

import pytest
from packaging.version import Version

from tests.processes import PATIENCE_S, ROOT

LOCKS = ("core", "dev", "torch", "uv", "megadetector")
# Below these, somebody else's pictures, requests or weights can do harm; the numbers of the faults: docs/security.md.
LEAST = {"pillow": "12.3.0", "starlette": "1.3.1", "python-multipart": "0.0.27", "torch": "2.10"}
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^ ;\\]+)", re.MULTILINE)


def lock(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_with_its_hashes(name: str) -> None:
    entries = re.split(r"\n(?=\S)", re.sub(r"^ *#.*\n", "", lock(name), flags=re.MULTILINE).strip())
    assert entries
    for entry in entries:
        assert PIN.match(entry), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:80]


@pytest.mark.parametrize(("package", "least"), LEAST.items())
def test_packages_with_known_faults_are_newer_than_these(package: str, least: str) -> None:
    found = dict(PIN.findall(lock("torch")))
    assert Version(found[package]) >= Version(least)


def test_an_audit_that_reaches_nobody_does_not_pass() -> None:
    nowhere = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:1")
    done = subprocess.run(
        # What is installed is as it is: the test's own environment.
        ("make", "--old-file=.venv/.dev", "audit", "LOCKS=uv"),
        cwd=ROOT,
        env={**os.environ, **nowhere, "NO_PROXY": "", "no_proxy": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode != 0
    assert "audit: not passed: uv" in done.stderr
