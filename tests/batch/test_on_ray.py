"""Batches on a real Ray cluster: two nodes, each with one core, on this machine. The last test takes one away."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ray.cluster_utils import Cluster

from docpre.batch.on_ray import RayOptions, on_ray, shared_out
from docpre.batch.places import Place
from docpre.batch.run import Summary, Work, run_batch
from docpre.batch.settings import BatchSettings
from docpre.errors import EngineError
from docpre.ray_cluster import ray
from tests.batch.conftest import SETTINGS, files, rows, write_page
from tests.batch.killing_server import KillingServer, killing_server
from tests.service.conftest import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in Linux' /proc")

ROOT = Path(__file__).parents[2]
STORE_BYTES = 80 * 1024**2  # the least that Ray takes


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))  # for the nodes' processes
        patch.setenv("RAY_worker_niceness", "0")  # Ray's 15 would starve them on a busy machine
        made = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False},
        )
        made.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
        ray.init(made.address, log_to_driver=False, logging_level="ERROR")
        yield made
        ray.shutdown()
        made.shutdown()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KillingServer]:
    with killing_server(write_page(tmp_path / "served.jpg").read_bytes()) as started:
        yield started


@pytest.fixture
def run_on_ray(cluster: Cluster, tmp_path: Path) -> Callable[..., Summary]:
    def run(
        *inputs: Any, folder: Path = tmp_path / "ray", around: Callable[[Work], Work] | None = None, **options: Any
    ) -> Summary:
        settings = BatchSettings(**SETTINGS | options)
        work = on_ray(settings, folder, RayOptions(cluster.address))
        inputs = [str(input) for input in inputs]
        return run_batch(inputs, folder, settings, work if around is None else around(work), shard_pages=6)

    return run


@given(count=st.integers(0, 300), slots=st.integers(1, 40))
def test_tasks_get_shorter(count, slots):
    places = [Place("file", str(number)) for number in range(count)]
    shares = list(shared_out(places, slots))
    assert [place for share in shares for place in share] == places
    sizes = [len(share) for share in shares]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-slots:] == [1] * min(slots, len(sizes))
    assert max(sizes, default=0) <= 16


@pytest.mark.parametrize("layout", ["files", "tar"])
def test_the_same_as_on_one_machine(pages, run, run_on_ray, tmp_path, layout):
    here = run(pages, layout=layout, shard_pages=6)
    there = run_on_ray(pages, layout=layout)
    assert (there.pages, there.errors) == (here.pages, here.errors) == (16, 1)
    assert rows(tmp_path / "ray") == rows(tmp_path / "out")
    assert files(tmp_path / "ray") == files(tmp_path / "out")
    assert run_on_ray(pages, layout=layout).pages == 0


def test_a_page_that_kills_its_process_is_one_row(pages, run_on_ray, server, tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text(
        "\n".join([*map(str, sorted(pages.glob("?.jpg"))), f"{server.url}/deadly.jpg", f"{server.url}/a.jpg"])
    )
    summary = run_on_ray(listed)
    assert (summary.pages, summary.errors) == (6, 1)
    found = rows(tmp_path / "ray")
    assert len({row["source"] for row in found}) == 6
    (error,) = (row for row in found if row["error"] is not None)
    assert error["source"].endswith("deadly.jpg")
    assert "the process that worked on it died, each of 2 times" in error["error"]
    assert len(server.killed) == len(set(server.killed)) == 4  # twice among others, twice alone


def test_what_the_cluster_has_not(run_on_ray, tmp_path):
    with pytest.raises(EngineError, match="50 cores"):
        on_ray(BatchSettings(), tmp_path, RayOptions(cpus=50))


def test_a_node_is_lost(cluster, run_on_ray, server, tmp_path):
    """Both nodes are in the middle of their work when one is killed: no page is lost, and none is there twice."""
    folder = tmp_path / "pages"
    paths = [str(write_page(folder / f"{number:02d}.jpg", number)) for number in range(38)]
    paths[5:5], paths[25:25] = [f"{server.url}/held-0.jpg"], [f"{server.url}/held-1.jpg"]
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(paths))
    second = cluster.worker_nodes.copy().pop()

    def kill_one() -> None:
        while len(server.holding) < 2:
            if server.release.wait(0.05):
                return
        cluster.remove_node(second, allow_graceful=False)
        server.release.set()

    killer = threading.Thread(target=kill_one)

    def around(work: Work) -> Work:
        def watched(*arguments: Any) -> Generator[Any, None, None]:
            killer.start()
            yield from work(*arguments)

        return watched

    summary = run_on_ray(listed, around=around)
    killer.join()
    wait_until(lambda: len([node for node in ray.nodes() if node["Alive"]]) == 1)  # Ray notices after a while
    assert len(server.holding) > 2, "nothing was under way on the node"
    assert summary.errors == 0
    found = rows(tmp_path / "ray")
    assert sorted(row["source"] for row in found) == sorted(paths)
    assert len(files(tmp_path / "ray")) == len(paths)
