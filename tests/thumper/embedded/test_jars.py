"""The list of jars, and what becomes of a damaged one."""

from pathlib import Path

from thumper.embedded.jars import KAFKA_VERSION, Jar, _is_whole, listed_jars


def test_the_list_has_the_server_its_tools_and_a_hash_for_each() -> None:
    jars = listed_jars()
    versions = {jar.artifact: jar.version for jar in jars}
    assert versions["kafka_2.13"] == versions["kafka-tools"] == KAFKA_VERSION
    assert "slf4j-simple" in versions
    assert len(versions) == len(jars)
    assert all(len(jar.sha256) == 64 for jar in jars)


def test_a_jar_lies_where_maven_puts_it() -> None:
    assert Jar("org.apache.kafka", "x", "1.0", "0").path == Path("org/apache/kafka/x/1.0/x-1.0.jar")


def test_a_damaged_jar_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.jar"
    jar = Jar("g", "a", "1", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    assert not _is_whole(path, jar)
    path.write_bytes(b"abc")
    assert _is_whole(path, jar)
    path.write_bytes(b"ab")
    assert not _is_whole(path, jar)
