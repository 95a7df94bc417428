"""No network and no installer at run time: whole processes that have neither, and a look at who tries all the same."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import PATIENCE_S, ROOT

# Every socket, look-up of a name and start of a program, as Python itself sees them; then the way of a picture.
LOOK = """
import sys
from pathlib import Path

tried = []

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "os.exec", "os.posix_spawn", "os.system"):
        tried.append((event, str(arguments)[:200]))
    if event == "subprocess.Popen":
        tried.append((event, str(arguments[:2])[:200]))

sys.addaudithook(watch)
from processors.detector.backends import choose
from processors.detector.decode import decode, prepare_process
from processors.detector.model import describe
from tests.security.seeds import encoded
from thumper.errors import PictureError

prepare_process()
model = describe(Path(sys.argv[1]))
detector = choose(model, "cpu")
detector.open()
good = [encoded("RGB", form, (64, 48)) for form in ("JPEG", "PNG", "WEBP", "TIFF", "HEIF")]
for data in good:
    detector.detect([decode(data, detector.canvas)])
failed = 0
avif = b"\\x00\\x00\\x00\\x18ftypavif" + bytes(40)
for data in (b"", b"no picture", b"\\xff\\xd8\\xff", good[0][:200], avif, b"RIFF0000WEBP"):
    try:
        decode(data, detector.canvas)
    except PictureError:
        failed += 1
# What is told of this machine's processor and libraries goes nowhere.
print("looked", failed, [one for one in tried if "ldconfig" not in one[1] and "lscpu" not in one[1]])
"""
PROGRAMS = ("pip", "pip3", "uv", "conda", "curl", "wget", "git")
WEIGHTS = [
    pytest.param(ROOT / "models" / "thumper-demo.onnx", id="onnx"),
    pytest.param(ROOT / "models" / "thumper-demo.pt", id="pt", marks=(pytest.mark.torch, pytest.mark.slow)),
]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_a_picture_is_looked_at_without_a_network_and_without_installers(weights: Path, tmp_path: Path) -> None:
    canary, fakes = tmp_path / "called", tmp_path / "bin"
    fakes.mkdir()
    for name in PROGRAMS:
        (fakes / name).write_text(f"#!/bin/sh\necho {name} >> {canary}\n")
        (fakes / name).chmod(0o755)
    environment = {
        "PATH": f"{fakes}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "YOLO_CONFIG_DIR": str(tmp_path),
    }
    done = subprocess.run(
        (*_no_network(), sys.executable, "-c", LOOK, str(weights)),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "looked 6 []"
    assert not canary.exists(), canary.read_text()


def _no_network() -> tuple[str, ...]:
    """A name space with no network at all, where the system lets us; the audit of calls holds anywhere."""
    words = ("unshare", "--net") if os.geteuid() == 0 else ("unshare", "--net", "--map-root-user")
    if shutil.which("unshare") is None or subprocess.run((*words, "true"), capture_output=True, check=False).returncode:
        return ()
    return words


def test_the_audit_would_see_it(tmp_path: Path) -> None:
    watching = LOOK.partition("from processors")[0]
    careless = f"{watching}import socket; socket.socket().connect_ex(('127.0.0.1', 1)); print(tried)"
    done = subprocess.run(
        (sys.executable, "-c", careless),
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert "socket.connect" in done.stdout, done.stderr
