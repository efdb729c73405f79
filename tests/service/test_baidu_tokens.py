"""Tokens of Baidu's interface: who gets one, who passes with it, and for how long."""

from __future__ import annotations

import sys

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from docpre.errors import ConfigError
from docpre.service.baidu_api import PATH
from docpre.service.baidu_errors import BaiduError, Code
from docpre.service.baidu_tokens import LIFE_S, TOKEN_PATH, Tokens
from docpre.service.pipelines import installed_pipelines
from docpre.service.settings import DOC_ANALYSIS, DOC_PREPROCESSOR, ServiceSettings
from tests.service.conftest import CLIENT_ID, CLIENT_SECRET, running, running_process

TOKENS = Tokens(CLIENT_ID, CLIENT_SECRET)
GOOD = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


def test_a_token_is_good_for_thirty_days_in_every_process():
    token = TOKENS.issue(now=1000)
    other_process = Tokens(CLIENT_ID, CLIENT_SECRET)
    other_process.check(token, now=1000)
    other_process.check(token, now=1000 + LIFE_S - 1)
    with pytest.raises(BaiduError) as error:
        other_process.check(token, now=1000 + LIFE_S)
    assert error.value.code == Code.TOKEN_EXPIRED == 111
    assert LIFE_S == 30 * 24 * 3600


@pytest.mark.parametrize("other", [Tokens(CLIENT_ID, "another"), Tokens("another", CLIENT_SECRET)])
def test_another_pair_has_other_tokens(other):
    with pytest.raises(BaiduError) as error:
        other.check(TOKENS.issue())
    assert error.value.code == Code.TOKEN_INVALID == 110


def test_a_later_date_is_not_believed():
    head, expires, signature = TOKENS.issue(now=0).split(".")
    forged = f"{head}.{int(expires) + 1}.{signature}"
    with pytest.raises(BaiduError) as error:
        TOKENS.check(forged, now=0)
    assert error.value.code == Code.TOKEN_INVALID


@given(st.one_of(st.text(max_size=80), st.from_regex(r"docpre\.[0-9]{1,12}\.[\w-]{43}", fullmatch=True)))
def test_made_up_tokens(token):
    with pytest.raises(BaiduError) as error:
        TOKENS.check(token)
    assert error.value.code == Code.TOKEN_INVALID


@pytest.mark.parametrize("method", ["GET", "POST", "POST form"])
def test_a_client_gets_a_token(baidu, method):
    where = {"data": GOOD} if method == "POST form" else {"params": GOOD}
    answer = baidu.session.request(method.split()[0], baidu.url + TOKEN_PATH, timeout=60, **where)
    content = answer.json()
    assert answer.status_code == 200
    assert content["expires_in"] == 2592000
    assert "brain_all_scope" in content["scope"].split(" ")
    assert answer.headers["Cache-Control"] == "no-store"
    TOKENS.check(content["access_token"])


def test_a_token_after_an_empty_json_body(baidu):
    """As Baidu's own examples ask for one."""
    headers = {"Content-Type": "application/json"}
    answer = baidu.session.post(baidu.url + TOKEN_PATH, params=GOOD, data='""', headers=headers, timeout=60)
    TOKENS.check(answer.json()["access_token"])


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"client_id": "nobody"}, "invalid_client", "unknown client id"),
        ({"client_secret": "nöthing"}, "invalid_client", "Client authentication failed"),
        ({"client_secret": ""}, "invalid_request", "client_secret"),
        ({"grant_type": "password"}, "unsupported_grant_type", "client_credentials"),
    ],
)
def test_no_token(baidu, wrong, error, says):
    answer = baidu.get(TOKEN_PATH, params=GOOD | wrong)
    content = answer.json()
    assert answer.status_code == 200
    assert (content["error"], content["error_code"]) == (error, 100)
    assert says in content["error_description"]
    assert says in content["error_msg"]
    assert isinstance(content["log_id"], int)


def test_without_a_pair_the_endpoint_says_how_to_set_one(open_baidu):
    content = open_baidu.get(TOKEN_PATH, params=GOOD).json()
    assert content["error"] == "invalid_client"
    for name in ("DOCPRE_CLIENT_ID", "DOCPRE_CLIENT_SECRET", "Serving.extra"):
        assert name in content["error_description"]


def test_the_pair_from_the_environment_and_from_a_file(tmp_path):
    path = tmp_path / "pipeline.yaml"
    path.write_text("pipeline_name: doc_preprocessor\nServing: {extra: {client_id: one, client_secret: two}}\n")
    from_file = ServiceSettings(pipeline={"paddlex_config": str(path)}).with_serving_section()
    assert from_file.client_pair() == ("one", "two")
    assert from_file.with_client_pair({"DOCPRE_CLIENT_ID": ""}).client_pair() == ("one", "two")
    environment = {"DOCPRE_CLIENT_ID": "three", "DOCPRE_CLIENT_SECRET": "four"}
    assert from_file.with_client_pair(environment).client_pair() == ("three", "four")
    assert "four" not in repr(from_file.with_client_pair(environment))
    assert ServiceSettings.from_json(from_file.to_json()) == from_file


@pytest.mark.parametrize("environment", [{"DOCPRE_CLIENT_ID": "one"}, {"DOCPRE_CLIENT_SECRET": "two"}])
def test_half_a_pair(environment):
    with pytest.raises(ConfigError, match="DOCPRE_CLIENT_SECRET"):
        ServiceSettings().with_client_pair(environment)


def test_a_number_for_a_secret(tmp_path):
    path = tmp_path / "pipeline.yaml"
    path.write_text("pipeline_name: doc_preprocessor\nServing: {extra: {client_id: one, client_secret: 1234}}\n")
    with pytest.raises(ConfigError, match="quotes"):
        ServiceSettings(pipeline={"paddlex_config": str(path)}).with_serving_section()


def test_a_malformed_form(baidu):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    content = baidu.session.post(baidu.url + TOKEN_PATH, data=b"a=1&a=2", headers=headers, timeout=60).json()
    assert (content["error"], content["error_code"]) == ("invalid_request", 100)


@pytest.mark.parametrize("has_pair", [True, False])
def test_api_keys_beside_tokens(tmp_path, has_pair):
    """Clients of Baidu's interface can't send a key, so where there are tokens none is asked of them."""
    keys = tmp_path / "keys.txt"
    keys.write_text("a-key\n")
    pair = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET} if has_pair else {}
    pipeline = {"device": "cpu", "use_doc_unwarping": False}
    settings = ServiceSettings(
        pipeline=pipeline, pipelines=(DOC_ANALYSIS,), concurrency=1, api_key_file=str(keys), **pair
    )
    with running(settings) as server:

        def code(**options):
            return requests.post(server.url + PATH, timeout=60, **options).json()["error_code"]

        with_key = {"headers": {"Authorization": "Bearer a-key"}}
        with_token = {"params": {"access_token": TOKENS.issue()}}
        assert server.get("/metrics").status_code == 401
        assert code() == (100 if has_pair else 110)
        assert code(**with_token) == (216101 if has_pair else 110)
        assert code(**with_key) == (100 if has_pair else 216101)


def test_workers_know_each_other_s_tokens(monkeypatch):
    """And without --pipeline all that is installed is served."""
    monkeypatch.setenv("DOCPRE_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("DOCPRE_CLIENT_SECRET", CLIENT_SECRET)
    with running_process("--workers", "2", "--concurrency", "1") as (server, _, log):
        tokens = {server.get(TOKEN_PATH, params=GOOD).json()["access_token"]}
        for _ in range(8):  # each over a connection of its own, which either worker may take
            answers = [
                requests.post(server.url + PATH, params={"access_token": token}, timeout=60).json() for token in tokens
            ]
            assert {answer["error_code"] for answer in answers} == {216101}
            tokens.add(requests.get(server.url + TOKEN_PATH, params=GOOD, timeout=60).json()["access_token"])
        assert server.get("/openapi.json").json()["paths"].keys() >= {"/document-preprocessing", PATH}
        assert f"POST {PATH} 200 (error 216101)" in log()
        assert CLIENT_SECRET not in log()


def test_what_is_installed(monkeypatch):
    assert installed_pipelines() == (DOC_PREPROCESSOR, DOC_ANALYSIS)
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    assert installed_pipelines() == (DOC_PREPROCESSOR,)
