"""The server that is measured: it answers what it should, it is weighed, and nothing of it is left afterwards."""

import psutil
import pytest

from benchmarks.servers import BenchmarkError, serving, weigh
from benchmarks.web import interleaved, keep_bodies, median_ratio


@pytest.fixture
def bare(tmp_path):
    for name, body in (("article", b"\x1f\x8bpacked"), ("home", b"front"), ("encoding", b"gzip")):
        (tmp_path / name).write_bytes(body)
    return "benchmarks.peers.bare:application", {"BARE_BODIES": str(tmp_path)}


def is_working(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE  # dead, and nobody has looked yet
    except psutil.NoSuchProcess:
        return False


def test_bare_django_sends_the_bytes_it_has_and_ends(bare):
    with serving("bare", *bare) as server:
        status, body, headers = server.get("/article/")
        workers = server.workers()
        memory = weigh(server, ["/", "/article/"], requests=40)

        assert (status, body, headers["content-encoding"]) == (200, b"\x1f\x8bpacked", "gzip")
        assert server.get("/")[1] == b"front"
        assert len(workers) == 2
        assert memory.rss >= memory.pss >= memory.uss > 0
        with pytest.raises(BenchmarkError, match="answers /nothing/ with 500"):
            weigh(server, ["/nothing/"], requests=20)
    psutil.wait_procs(workers, timeout=10)
    assert [worker for worker in workers if is_working(worker)] == []


def test_what_does_not_start_is_said():
    with (
        pytest.raises(BenchmarkError, match="nothing does not start"),
        serving("nothing", "benchmarks.nowhere:app", {}),
    ):
        pass


def test_rounds_are_interleaved_and_turned_round():
    asked = []

    def measure(name, figure):
        return lambda: asked.append(name) or figure

    found = interleaved({"a": measure("a", 1.0), "b": measure("b", 2.0)}, 3)

    assert asked == ["a", "b", "b", "a", "a", "b"]
    assert found == {"a": [1.0] * 3, "b": [2.0] * 3}


def test_ratio_is_the_median_of_the_rounds():
    assert median_ratio([1.0, 9.0, 4.0], [2.0, 3.0, 4.0]) == 1.0


def test_kept_bodies_are_what_the_page_sends(bare, tmp_path):
    folder = tmp_path / "kept"
    (tmp_path / "encoding").write_text("")
    with serving("bare", *bare) as server:
        keep_bodies(server, {"home": "/"}, folder)

    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        "home": "front",
        "home.html": "front",
        "encoding": "",
    }
