"""``docpre serve --ray``: the same service, as a deployment on a Ray cluster of its own."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from docpre.cli import main
from docpre.service.on_ray import DEFAULTS, read_options
from tests.service.conftest import CLEAN_UP, QUICK, running_process

CONFIGS = Path(__file__).parents[2] / "configs"
START_S = 240  # a cluster, a controller, a proxy and a replica


def test_it_answers_as_without_ray(tmp_path, page_png, server, monkeypatch):
    monkeypatch.setenv("RAY_worker_niceness", "0")  # Ray's 15 would starve it on a busy machine
    config = tmp_path / "one.yaml"
    config.write_text("num_replicas: 1\nray_actor_options: {num_cpus: 1}\n")
    options = (*CLEAN_UP, "--ray", "--ray_config", str(config), "--max_body_bytes", "4000000")
    with running_process(*options, start_s=START_S) as (on_ray, process, log):
        assert process.poll() is None, log()
        for content, options in (
            (page_png, QUICK),
            (page_png, {**QUICK, "transform": True}),
            (b"no picture", QUICK),
            (b"x" * 5_000_000, QUICK),
        ):
            there, here = (_told(each.infer(content, **options)) for each in (on_ray, server))
            assert there == here
        assert on_ray.get("/nothing").json()["errorMsg"] == server.get("/nothing").json()["errorMsg"]
        assert on_ray.get("/ready", headers={"X-Request-Id": "mine"}).headers["X-Request-Id"] == "mine"
        assert 'docpre_requests_total{path="/document-preprocessing",status="200"} 2.0' in on_ray.get("/metrics").text
        with ThreadPoolExecutor(4) as threads:
            under_way = [threads.submit(on_ray.infer, page_png) for _ in range(4)]
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            assert [request.result().status_code for request in under_way] == [200] * 4
        assert process.wait(60) == 0, log()


def _told(answer: requests.Response) -> tuple[int, Any]:
    """Status and body, without the request's number and the times."""
    body = answer.json()
    del body["logId"]
    return answer.status_code, body


def test_the_example_has_the_defaults():
    assert yaml.safe_load((CONFIGS / "ray_serve.yaml").read_text("utf-8")) == DEFAULTS
    assert read_options(CONFIGS / "ray_serve.yaml") == read_options(None) == DEFAULTS


def test_replicas_instead_of_autoscaling(tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text("num_replicas: 2\n")
    assert "autoscaling_config" not in read_options(path)


@pytest.mark.parametrize("content", ["- a", "a: [", "no_such_option: 1", "num_replicas: many"])
def test_wrong_options(tmp_path, capsys, content):
    path = tmp_path / "wrong.yaml"
    path.write_text(content)
    assert main(["serve", *CLEAN_UP, "--ray", "--ray_config", str(path)]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_workers_are_not_replicas(capsys):
    assert main(["serve", *CLEAN_UP, "--ray", "--workers", "2"]) == 2
