"""The store on a real disk and on a real S3 server (moto's): what it keeps, what it refuses, what it calls away."""

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3  # type: ignore[import-untyped]
import pytest
from moto.server import ThreadedMotoServer

from thumper import folder
from thumper.clock import SteppedClock
from thumper.errors import PictureError, Retriable, SettingError, StoreDown, UserError
from thumper.settings import Settings
from thumper.store import MARKER, STALE_S, Store, check_sha256

PICTURE = b"\xff\xd8 not quite a picture"
SHA = hashlib.sha256(PICTURE).hexdigest()
MIB = 1 << 20


def local_settings(tmp_path: Path, **more: object) -> Settings:
    return Settings(store=(tmp_path / "store").as_uri(), _env_file=None, **more)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = Store(local_settings(tmp_path, roots=(tmp_path / "card",)))
    opened.open_or_create()
    return opened


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_settings(s3_endpoint: str, request: pytest.FixtureRequest) -> Iterator[Settings]:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names[:2], "testing") | {names[2]: "us-east-1", names[3]: "true"})
    bucket = f"deer-{abs(hash(request.node.name)) % 10**9}"
    boto3.client("s3", endpoint_url=s3_endpoint).create_bucket(Bucket=bucket)
    yield Settings(store=f"s3://{bucket}/season", store_endpoint=s3_endpoint, _env_file=None)
    for name, value in before.items():
        if value is None:
            os.environ.pop(name)
        else:
            os.environ[name] = value


def assert_refused(store: Store, uri: str, error_class: str, size_bytes: int | None = None) -> None:
    with pytest.raises(PictureError) as caught:
        store.read(uri, size_bytes, MIB)
    assert caught.value.error_class == error_class, caught.value.message


class TestFolder:
    def test_what_is_put_is_read(self, store: Store, tmp_path: Path) -> None:
        uri = store.put(PICTURE, SHA, ".jpg")
        assert uri == f"store:///{SHA[:2]}/{SHA}.jpg"
        assert store.read(uri, len(PICTURE), MIB) == PICTURE
        assert store.exists(uri, len(PICTURE))
        assert not store.exists(uri, 1)
        assert os.listdir(tmp_path / "store" / ".incoming") == []  # noqa: PTH208

    def test_its_files_are_listed(self, store: Store, tmp_path: Path) -> None:
        root = tmp_path / "store"
        names = {
            store.name_of(store.put(bytes([n]), hashlib.sha256(bytes([n])).hexdigest(), ".jpg")) for n in range(20)
        }
        (root / "a b").mkdir()
        (root / "a b" / "c%\n.jpg").touch()
        (root / "link.jpg").symlink_to(root / MARKER.decode())
        (root / "loop").symlink_to(root)
        (root / ".incoming" / "half").touch()
        (root / "lost+found").mkdir()
        assert set(store.names()) == names | {"a%20b/c%25%0A.jpg", "link.jpg", "loop"}
        assert store.read("store:///a%20b/c%25%0A.jpg", None, MIB) == b""

    def test_what_is_removed_is_gone_and_known_to_be(self, store: Store, tmp_path: Path) -> None:
        uri = store.put(PICTURE, SHA, ".jpg")
        assert not store.is_removed(uri)
        assert store.remove(uri)
        assert not store.remove(uri), "again, there is nothing left to do"
        assert_refused(store, uri, "removed")
        assert store.is_removed(uri)
        assert list(store.names()) == []
        assert SHA not in str(list((tmp_path / "store" / ".removed").rglob("*")))
        store.readmit(uri)
        assert_refused(store, uri, "missing")
        assert store.put(PICTURE, SHA, ".jpg") == uri
        assert store.read(uri, None, MIB) == PICTURE

    def test_what_is_removed_in_place_stays_and_is_not_read(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "card").mkdir()
        original = tmp_path / "card" / "x.jpg"
        original.write_bytes(PICTURE)
        assert not store.remove(original.as_uri())
        assert_refused(store, original.as_uri(), "removed")
        assert original.read_bytes() == PICTURE
        store.readmit(original.as_uri())
        assert store.read(original.as_uri(), None, MIB) == PICTURE

    def test_nothing_is_deleted_outside(self, store: Store, tmp_path: Path) -> None:
        victim = tmp_path / "victim.jpg"
        victim.write_bytes(PICTURE)
        (tmp_path / "store" / "link").symlink_to(tmp_path)
        for uri in ("store:///../victim.jpg", victim.as_uri(), "store:///link/victim.jpg"):
            with pytest.raises(PictureError):
                store.remove(uri)
        assert victim.exists()

    def test_a_store_that_is_away_cannot_be_listed(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "store").rename(tmp_path / "away")
        with pytest.raises(StoreDown, match="cannot be listed"):
            list(store.names())

    def test_which_file_an_address_means(self, store: Store, tmp_path: Path) -> None:
        assert store.name_of(f"store:///{SHA[:2]}/{SHA}.jpg") == f"{SHA[:2]}/{SHA}.jpg"
        assert store.name_of("store:///a%20b/c%25.jpg") == "a%20b/c%25.jpg"
        for elsewhere in (f"file://{tmp_path}/card/x.jpg", "store:///../x", "s3://bucket/x", ""):
            assert store.name_of(elsewhere) is None

    def test_files_are_private(self, store: Store, tmp_path: Path) -> None:
        store.put(PICTURE, SHA, ".jpg")
        root = tmp_path / "store"
        assert stat.S_IMODE(root.stat().st_mode) == 0o700
        assert stat.S_IMODE((root / SHA[:2] / f"{SHA}.jpg").stat().st_mode) == 0o600

    def test_put_again_does_not_write(self, store: Store, tmp_path: Path) -> None:
        store.put(PICTURE, SHA, ".jpg")
        file = tmp_path / "store" / SHA[:2] / f"{SHA}.jpg"
        before = file.stat().st_ino
        store.put(PICTURE, SHA, ".jpg")
        assert file.stat().st_ino == before

    def test_torn_file_is_replaced(self, store: Store, tmp_path: Path) -> None:
        uri = store.put(PICTURE, SHA, ".jpg")
        (tmp_path / "store" / SHA[:2] / f"{SHA}.jpg").write_bytes(b"torn")
        store.put(PICTURE, SHA, ".jpg")
        assert store.read(uri, len(PICTURE), MIB) == PICTURE

    def test_same_picture_from_many_threads(self, store: Store) -> None:
        with ThreadPoolExecutor(8) as pool:
            uris = set(pool.map(lambda _: store.put(PICTURE, SHA, ".jpg"), range(64)))
        assert len(uris) == 1
        assert store.read(uris.pop(), len(PICTURE), MIB) == PICTURE

    def test_moved_store_keeps_its_addresses(self, store: Store, tmp_path: Path) -> None:
        uri = store.put(PICTURE, SHA, ".jpg")
        (tmp_path / "store").rename(tmp_path / "moved")
        moved = Store(Settings(store=(tmp_path / "moved").as_uri(), _env_file=None))
        moved.open()
        assert moved.read(uri, len(PICTURE), MIB) == PICTURE

    def test_store_folder_with_odd_name(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path / "my deer # 1 олень", _env_file=None)
        store = Store(settings)
        store.open_or_create()
        assert store.read(store.put(PICTURE, SHA, ".jpg"), None, MIB) == PICTURE
        assert (tmp_path / "my deer # 1 олень" / "store" / ".thumper-store").is_file()

    def test_marker_is_json_and_stays(self, store: Store, tmp_path: Path) -> None:
        marker = tmp_path / "store" / MARKER.decode()
        before = marker.read_text()
        store.open_or_create()
        assert set(json.loads(before)) == {"id", "created"}
        assert marker.read_text() == before

    def test_left_overs_of_a_killed_import_are_swept(self, tmp_path: Path) -> None:
        clock = SteppedClock()
        store = Store(local_settings(tmp_path), clock)
        store.open_or_create()
        aside = tmp_path / "store" / ".incoming"
        now_s = clock.wall().timestamp()
        for name, age_s in (("old", STALE_S + 1), ("young", STALE_S - 1)):
            (aside / name).write_bytes(b"part")
            os.utime(aside / name, (now_s - age_s, now_s - age_s))
        store.open_or_create()
        assert os.listdir(aside) == ["young"]  # noqa: PTH208

    def test_free_bytes(self, store: Store) -> None:
        assert (store.free_bytes() or 0) > 0


class TestFolderAway:
    def test_marker_gone_is_not_a_missing_picture(self, store: Store, tmp_path: Path) -> None:
        uri = store.put(PICTURE, SHA, ".jpg")
        (tmp_path / "store").rename(tmp_path / "away")
        (tmp_path / "store").mkdir()
        with pytest.raises(StoreDown, match="not the store"):
            store.read(uri, None, MIB)
        with pytest.raises(StoreDown):
            store.open()

    def test_root_gone(self, store: Store, tmp_path: Path) -> None:
        uri = store.put(PICTURE, SHA, ".jpg")
        (tmp_path / "store").rename(tmp_path / "away")
        for call in (lambda: store.read(uri, None, MIB), store.open, lambda: store.put(b"x", "0" * 64, ".jpg")):
            with pytest.raises(StoreDown):
                call()

    def test_missing_picture(self, store: Store) -> None:
        assert_refused(store, f"store:///ab/{'ab' * 32}.jpg", "missing")

    def test_no_store_is_made_among_other_files(self, tmp_path: Path) -> None:
        (tmp_path / "store").mkdir()
        (tmp_path / "store" / "thesis.doc").write_bytes(b"x")
        with pytest.raises(UserError, match="not empty and not a store"):
            Store(local_settings(tmp_path)).open_or_create()
        assert not (tmp_path / "store" / ".thumper-store").exists()

    def test_disk_full(self, tmp_path: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("mounting a small disk needs root")
        disk = tmp_path / "store"
        disk.mkdir()
        if os.system(f"mount -t tmpfs -o size=1m tmpfs '{disk}' 2>/dev/null") != 0:  # noqa: S605
            pytest.skip("this machine may not mount")
        try:
            store = Store(local_settings(tmp_path))
            store.open_or_create()
            with pytest.raises(StoreDown, match="No space left") as caught:
                store.put(bytes(2 * MIB), "0" * 64, ".jpg")
            assert "room" in caught.value.hint
            assert not store.exists(f"store:///00/{'0' * 64}.jpg")
            assert os.listdir(disk / ".incoming") == []  # noqa: PTH208
        finally:
            os.system(f"umount '{disk}'")  # noqa: S605

    def test_unknown_place(self) -> None:
        for place in ("http://host/x", "s3://", "/plain/path", "file://host/x"):
            with pytest.raises(SettingError, match="THUMPER_STORE"):
                Store(Settings(store=place, _env_file=None))


class TestAttacks:
    """The rows `claim-check` of the attack list: what a hostile event or a hostile disk may try."""

    @pytest.mark.parametrize(
        "uri",
        ["store:///../secret", "file:///etc/passwd", "store:///%2e%2e/secret", "http://127.0.0.1/x", "//host/x"],
    )
    def test_outside(self, store: Store, tmp_path: Path, uri: str) -> None:
        (tmp_path / "secret").write_bytes(b"secret")
        assert_refused(store, uri, "forbidden_path")

    def test_link_to_a_file(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "secret").write_bytes(b"secret")
        (tmp_path / "store" / "ab").mkdir()
        (tmp_path / "store" / "ab" / "x.jpg").symlink_to(tmp_path / "secret")
        assert_refused(store, "store:///ab/x.jpg", "forbidden_path")

    def test_link_to_a_folder(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "x.jpg").write_bytes(b"secret")
        (tmp_path / "store" / "ab").symlink_to(tmp_path / "other")
        assert_refused(store, "store:///ab/x.jpg", "forbidden_path")

    def test_link_swapped_in_while_reading(self, store: Store, tmp_path: Path) -> None:
        """Whatever the moment of the swap: the picture's own bytes, or a refusal; never the secret."""
        (tmp_path / "secret").write_bytes(b"secret")
        uri = store.put(PICTURE, SHA, ".jpg")
        file = tmp_path / "store" / SHA[:2] / f"{SHA}.jpg"

        def swap() -> None:
            for number in range(300):
                aside = file.with_suffix(f".{number}")
                if number % 2:
                    aside.write_bytes(PICTURE)
                else:
                    aside.symlink_to(tmp_path / "secret")
                aside.rename(file)

        def read() -> set[bytes | str]:
            found: set[bytes | str] = set()
            for _ in range(600):
                try:
                    found.add(store.read(uri, None, MIB))
                except PictureError as error:
                    found.add(error.error_class)
            return found

        with ThreadPoolExecutor(2) as pool:
            reading, _ = pool.submit(read), pool.submit(swap).result()
        assert reading.result() <= {PICTURE, "forbidden_path"}

    def test_swapped_bytes_are_found_by_their_hash(self, store: Store, tmp_path: Path) -> None:
        uri = store.put(PICTURE, SHA, ".jpg")
        (tmp_path / "store" / SHA[:2] / f"{SHA}.jpg").write_bytes(PICTURE[::-1])
        with pytest.raises(PictureError, match="sha256") as caught:
            check_sha256(store.read(uri, len(PICTURE), MIB), SHA)
        assert caught.value.error_class == "integrity"
        check_sha256(PICTURE, SHA)

    def test_named_pipe_does_not_block(self, store: Store, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "store" / "x.jpg")
        assert_refused(store, "store:///x.jpg", "forbidden_path")

    def test_folder(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "store" / "x.jpg").mkdir()
        assert_refused(store, "store:///x.jpg", "forbidden_path")

    def test_file_used_as_a_folder(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "store" / "x.jpg").write_bytes(b"x")
        assert_refused(store, "store:///x.jpg/y.jpg", "forbidden_path")

    def test_device(self, tmp_path: Path) -> None:
        store = Store(local_settings(tmp_path, roots=(Path("/dev"),)))
        assert_refused(store, "file:///dev/zero", "forbidden_path")
        assert_refused(store, "file:///dev/stdin", "forbidden_path")

    def test_memory_of_the_process(self, tmp_path: Path) -> None:
        store = Store(local_settings(tmp_path, roots=(Path(f"/proc/{os.getpid()}"),)))
        with pytest.raises((PictureError, Retriable)):
            store.read(f"file:///proc/{os.getpid()}/mem", None, MIB)
        with pytest.raises(PictureError):  # grows while it is read: its size says 0
            store.read(f"file:///proc/{os.getpid()}/status", None, MIB)

    def test_sparse_terabyte(self, store: Store, tmp_path: Path) -> None:
        with (tmp_path / "store" / "x.jpg").open("wb") as file:
            file.truncate(1 << 40)
        assert_refused(store, "store:///x.jpg", "too_large")
        assert_refused(store, "store:///x.jpg", "too_large", size_bytes=1 << 40)

    def test_other_size_than_its_event_says(self, store: Store) -> None:
        uri = store.put(PICTURE, SHA, ".jpg")
        assert_refused(store, uri, "integrity", size_bytes=len(PICTURE) + 1)

    def test_no_rights(self, store: Store, tmp_path: Path) -> None:
        if os.geteuid() == 0:
            pytest.skip("root may read everything")
        (tmp_path / "store" / "x.jpg").write_bytes(b"x")
        (tmp_path / "store" / "x.jpg").chmod(0)
        assert_refused(store, "store:///x.jpg", "read")

    def test_no_side_effect(self, store: Store, tmp_path: Path) -> None:
        before = sorted(path.name for path in tmp_path.rglob("*"))
        for uri in ("store:///../x/y", "store:///zz/x.jpg", "file:///card/x", "s3://a/b"):
            with pytest.raises(PictureError):
                store.read(uri, None, MIB)
        assert sorted(path.name for path in tmp_path.rglob("*")) == before


class TestInPlace:
    def test_under_a_root(self, store: Store, tmp_path: Path) -> None:
        name = os.fsencode(tmp_path) + b"/card/a b\xff\n.jpg"
        (tmp_path / "card").mkdir()
        with open(name, "wb") as file:  # noqa: PTH123 - a name that is not UTF-8
            file.write(PICTURE)
        uri = store.in_place_uri(name)
        assert store.read(uri, len(PICTURE), MIB) == PICTURE
        assert store.exists(uri)

    def test_elsewhere(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(PictureError, match="THUMPER_ROOTS"):
            store.in_place_uri(os.fsencode(tmp_path) + b"/other/x.jpg")

    def test_root_itself_may_be_a_link_but_nothing_below(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "real" / "x.jpg").write_bytes(PICTURE)
        (tmp_path / "real" / "y.jpg").symlink_to(tmp_path / "real" / "x.jpg")
        (tmp_path / "card").symlink_to(tmp_path / "real")
        store = Store(local_settings(tmp_path, roots=(tmp_path / "card",)))
        assert store.read((tmp_path / "card" / "x.jpg").as_uri(), None, MIB) == PICTURE
        assert_refused(store, (tmp_path / "card" / "y.jpg").as_uri(), "forbidden_path")

    def test_card_away(self, store: Store, tmp_path: Path) -> None:
        uri = (tmp_path / "card" / "x.jpg").as_uri()
        with pytest.raises(StoreDown, match="cannot be opened"):
            store.read(uri, None, MIB)
        (tmp_path / "card").mkdir()
        with pytest.raises(StoreDown, match="is empty"):
            store.read(uri, None, MIB)
        (tmp_path / "card" / "other.jpg").write_bytes(b"x")
        assert_refused(store, uri, "missing")


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        pytest.param(errno.EIO, Retriable, id="input/output error may pass"),
        pytest.param(errno.EMFILE, Retriable, id="too many open files may pass"),
        pytest.param(errno.ESTALE, Retriable, id="a stale network handle may pass"),
        pytest.param(errno.EACCES, PictureError, id="no rights will not pass"),
        pytest.param(errno.ELOOP, PictureError, id="a link will not pass"),
    ],
)
def test_which_faults_may_pass(number: int, kind: type[Exception]) -> None:
    found = folder.picture_error(OSError(number, os.strerror(number)))
    assert type(found) is kind


class TestBucket:
    def test_what_is_put_is_read(self, s3_settings: Settings) -> None:
        store = Store(s3_settings)
        store.open_or_create()
        uri = store.put(PICTURE, SHA, ".jpg")
        assert uri == f"store:///{SHA[:2]}/{SHA}.jpg"
        assert store.read(uri, len(PICTURE), MIB) == PICTURE
        assert store.read(uri, None, MIB) == PICTURE
        assert store.exists(uri, len(PICTURE))
        assert store.free_bytes() is None
        assert store.read(f"{s3_settings.store_url}/{SHA[:2]}/{SHA}.jpg", None, MIB) == PICTURE
        store.open_or_create()

    def test_faults_of_a_picture(self, s3_settings: Settings, s3_endpoint: str) -> None:
        store = Store(s3_settings)
        store.open_or_create()
        uri = store.put(PICTURE, SHA, ".jpg")
        bucket = s3_settings.store_url.removeprefix("s3://").split("/")[0]
        boto3.client("s3", endpoint_url=s3_endpoint).put_object(Bucket=bucket, Key="season/0/empty.jpg", Body=b"")
        assert_refused(store, f"store:///ab/{'ab' * 32}.jpg", "missing")
        assert_refused(store, uri, "integrity", size_bytes=len(PICTURE) - 1)
        assert_refused(store, uri, "integrity", size_bytes=len(PICTURE) + 1)
        assert_refused(store, "store:///0/empty.jpg", "integrity", size_bytes=5)
        assert_refused(store, f"s3://{bucket}/other/x.jpg", "forbidden_path")
        assert_refused(store, "s3://elsewhere/season/x.jpg", "forbidden_path")
        with pytest.raises(PictureError) as caught:
            store.read(uri, None, 4)
        assert caught.value.error_class == "too_large"

    def test_its_files_are_listed(self, s3_settings: Settings, s3_endpoint: str) -> None:
        store = Store(s3_settings)
        store.open_or_create()
        uris = [store.put(bytes([n]), hashlib.sha256(bytes([n])).hexdigest(), ".jpg") for n in range(5)]
        client = boto3.client("s3", endpoint_url=s3_endpoint)
        bucket = s3_settings.store_url.removeprefix("s3://").split("/")[0]
        for key in ("season/a b/c.jpg", "season/empty/", "season2/x.jpg", "other.jpg"):
            client.put_object(Bucket=bucket, Key=key, Body=b"x")
        assert set(store.names()) == {*(store.name_of(uri) for uri in uris), "a%20b/c.jpg"}
        assert store.name_of(f"{s3_settings.store_url}/aa/b.jpg") == "aa/b.jpg"

    def test_marker_gone(self, s3_settings: Settings) -> None:
        with pytest.raises(StoreDown, match="not the store"):
            Store(s3_settings).read(f"store:///ab/{'ab' * 32}.jpg", None, MIB)

    def test_no_bucket_and_no_server(self, s3_settings: Settings) -> None:
        nowhere = s3_settings.model_copy(update={"store": "s3://no-such-bucket-1/x"})
        with pytest.raises(StoreDown, match="no bucket"):
            Store(nowhere).open_or_create()
        dead = s3_settings.model_copy(update={"store_endpoint": "http://127.0.0.1:9"})
        with pytest.raises(StoreDown, match="does not answer"):
            Store(dead).open_or_create()
