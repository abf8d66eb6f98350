"""The server answers pages of its own on this machine, and no others; raw requests, as any program can send them."""

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import App
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

BOUNDARY = "boundary"
FILE = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="f.csv"\r\n\r\na\r\n--{BOUNDARY}--\r\n'.encode()
# Python imports it by itself. It writes down each address that is looked up or called, other than this machine's.
WATCH = """
import os, sys
def watch(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in (None, "localhost", "127.0.0.1", "::1"):
        with open(os.environ["WATCHED"], "a") as file:
            file.write(f"{event} {host}\\n")
sys.addaudithook(watch)
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> dict[str, str]:
    """The variables with which a Python process writes down whom it calls."""
    folder = tmp_path_factory.mktemp("watch")
    (folder / "sitecustomize.py").write_text(WATCH)
    return {"PYTHONPATH": str(folder), "WATCHED": str(folder / "called.txt")}


@pytest.fixture(scope="module")
def server(tmp_path_factory, watched) -> Iterator[App]:
    running = App(tmp_path_factory.mktemp("server"))
    running.start(**watched)
    yield running
    running.stop()


def ask(server: App, path: str, method: str = "GET", hosts: list[str] | None = None, **headers: str):
    """Send a request, and return the status and the headers of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    for host in [f"localhost:{server.port}"] if hosts is None else hosts:
        connection.putheader("Host", host)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    body = FILE if method == "PUT" else b""
    if body:
        connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body or None)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers


def opens(server: App, host: str | None = None, **headers: str | None) -> bool:
    """Return whether a websocket opens for a page with this origin, at the name that it calls this server by."""
    uri = f"ws://{host or 'localhost'}:{server.port}/_stcore/stream"
    try:
        with connect(uri, address=("127.0.0.1", server.port), subprotocols=["streamlit"], proxy=None, **headers):
            return True
    except InvalidStatus as refusal:
        assert refusal.response.status_code == 403
        return False


PATHS = (
    ("GET", "/"),
    ("GET", "/plan"),
    ("GET", "/_stcore/health"),
    ("GET", "/_stcore/host-config"),
    ("GET", "/_stcore/metrics"),
    ("GET", "/media/0123.csv"),
    ("GET", "/static/nothing.js"),
    ("OPTIONS", "/_stcore/upload_file/session/file"),
    ("PUT", "/_stcore/upload_file/session/file"),
    ("DELETE", "/_stcore/upload_file/session/file"),
)


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_name_that_is_not_its_own_is_refused_everywhere(server, method, path):
    own = f":{server.port}"
    for host in ("evil.example", f"evil.example{own}", f"localhost.evil.example{own}", "0.0.0.0", "192.168.0.7", ""):
        assert ask(server, path, method, hosts=[host])[0] in (400, 403), host
    for hosts in ([f"localhost{own}@evil.example"], [f"localhost{own}", "evil.example"], []):
        assert ask(server, path, method, hosts=hosts)[0] in (400, 403), hosts


def test_its_own_names_are_answered(server):
    for name in ("localhost", "127.0.0.1", "[::1]", "LocalHost"):
        assert ask(server, "/_stcore/health", hosts=[f"{name}:{server.port}"])[0] == 200
        assert ask(server, "/plan", hosts=[f"{name}:{server.port}"])[0] == 200


def test_the_websocket_opens_for_its_own_pages_only(server):
    assert opens(server, origin=f"http://localhost:{server.port}")
    # A program that is no browser: it can do whatever the user can.
    assert opens(server, origin=None)
    for origin in (
        "http://localhost:9999",
        "http://127.0.0.1:9999",
        f"http://127.0.0.1:{server.port}",
        f"https://localhost:{server.port}",
        "http://localhost",
        "http://evil.example",
        f"http://evil.example:{server.port}",
        "null",
    ):
        assert not opens(server, origin=origin), origin
    # By DNS rebinding a foreign page is of the same origin as the server, under a name of its own.
    assert not opens(server, "evil.example", origin=f"http://evil.example:{server.port}")


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_a_page_of_another_port_or_site_is_refused(server, method, path, site):
    origin = {"same-site": "http://localhost:9999", "cross-site": "https://evil.example"}[site]
    assert ask(server, path, method, Origin=origin)[0] == 403
    for mode, kind in (("no-cors", "image"), ("cors", "empty"), ("no-cors", "script"), ("navigate", "iframe")):
        headers = {"Sec_Fetch_Site": site, "Sec_Fetch_Mode": mode, "Sec_Fetch_Dest": kind}
        assert ask(server, path, method, **headers)[0] == 403


def test_a_link_on_another_page_opens_the_app(server):
    headers = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    assert ask(server, "/plan?round=0123456789abcdef", **headers)[0] == 200


def test_an_upload_needs_the_token_of_a_page(server):
    assert ask(server, "/_stcore/upload_file/session/file", "PUT")[0] == 403
    assert "Access-Control-Allow-Origin" not in ask(server, "/_stcore/health")[1]


def test_each_browser_gets_an_identifier_that_cannot_be_guessed(server):
    cookies = [ask(server, "/")[1].get_all("Set-Cookie") for _ in range(2)]
    (first,), (second,) = cookies
    assert first != second
    assert all(part in first for part in ("s2s_browser=", "HttpOnly", "SameSite=Lax"))
    known = first.partition(";")[0]
    assert ask(server, "/", Cookie=known)[1].get_all("Set-Cookie") is None
    assert ask(server, "/", Cookie="s2s_browser=guessed")[1].get_all("Set-Cookie")


@pytest.mark.long
def test_no_address_is_looked_up_whoever_asks(server, watched):
    for origin in ("http://localhost:9999", "https://evil.example", "http://192.168.0.7:8501"):
        assert not opens(server, origin=origin)
    assert opens(server, origin=f"http://localhost:{server.port}")
    called = Path(watched["WATCHED"])
    assert not called.exists()
    # What is written down is what was called: a lookup that is made shows.
    lookup = "import socket\ntry:\n    socket.getaddrinfo('nowhere.invalid', 80)\nexcept OSError:\n    pass"
    subprocess.run([sys.executable, "-c", lookup], env=os.environ | watched, check=True)
    assert called.read_text() == "socket.getaddrinfo nowhere.invalid\n"


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="other systems open a browser in other ways")
def test_the_browser_is_opened_once_there_is_something_to_see(tmp_path):
    opener, opened = tmp_path / "xdg-open", tmp_path / "opened.txt"
    opener.write_text(f'#!/bin/sh\necho "$1" >> "{opened}"\n')
    opener.chmod(0o755)
    running = App(tmp_path)
    running.start("--browser", PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    running.stop()
    assert opened.read_text() == f"{running.address}\n"
    assert running.log() == f"School support matching is open at {running.address} (stop it with Ctrl+C).\n"
