"""What is said of locustfiles that cannot be used, before anything of a run is started."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.apps import locustfile
from harness.apps.locustfile import inspect_locustfile
from harness.environment.children import locustfile_environment
from harness.errors import EXIT_USAGE, PlanError
from harness.locustfile import Found, FoundClass, Locustfile
from tests.integration.command import poolstorm

pytestmark = pytest.mark.integration

HEAD = "from locust import FastHttpUser, HttpUser, LoadTestShape, SequentialTaskSet, events, tag, task\n"
GOOD = f"""{HEAD}
class Shopper(FastHttpUser):
    weight = 3
    @tag("read")
    @task
    def look(self): self.client.get("/")
    @task
    class Deeper(SequentialTaskSet):
        @tag("write")
        @task
        def buy(self): self.client.post("/")
class Clerk(HttpUser):
    fixed_count = 2
    @task
    def look(self): self.client.get("/")
"""
SHAPE = GOOD + "class Stages(LoadTestShape):\n    def tick(self): return {}\n"
MANY = """
import json, os, sys
from pathlib import Path
from harness.load.outside.inspection import inspect
from harness.locustfile import Found, Locustfile
for order in map(Locustfile.model_validate, json.load(sys.stdin)):
    if not os.fork():
        key = " ".join([order.path.stem, *order.tags, *order.exclude_tags, *order.user_classes])
        Path(f"found {key}").write_text(inspect(order).model_dump_json())
        os._exit(0)
    os.wait()
"""
OPTION = "@events.init_command_line_parser.add_listener\ndef options(parser):\n    "
PROBLEMS = {
    "syntax": ("x = 1\ny = (\n", "line 2: SyntaxError: '(' was never closed; mend that place"),
    "missing": ("import no_such_module\n", "no module 'no_such_module'; install it beside poolstorm"),
    "ours": ("from scenarios.login import x\n", "'scenarios.login' bears the name of a package of poolstorm's"),
    "ours_too": ("from targets import mine\n", "'targets' bears the name of a package of poolstorm's"),
    "nobody": ("import locust\n", "has no users"),
    "abstract": (f"{HEAD}class A(HttpUser):\n    abstract = True\n", "has no users"),
    "idle": (f"{HEAD}class A(HttpUser): pass\n", "user class 'A' has no tasks"),
    "weightless": (GOOD.replace("fixed_count = 2", "weight = 0").replace("weight = 3", "weight = 0"), "weight 0"),
    "exits": ("import sys\nsys.exit(3)\n", "line 2: calls sys.exit as it is imported"),
    "raises": ("y = 0\nx = 1 / y\n", "line 2: ZeroDivisionError: division by zero"),
    "odd": ("class E(BaseException): pass\nraise E('a\\n\\x1b[31mb')\n", "line 2: E: a ?[31mb; mend"),
    "needy": (f"{GOOD}{OPTION}parser.add_argument('--tenant', required=True)\n", "--tenant); give them defaults"),
    "listener": (f"{GOOD}{OPTION}1 / 0\n", "listener of init_command_line_parser raises"),
    "ends": (SHAPE.format("None"), "its Stages ends at once"),
    "number": (SHAPE.format("5"), "its Stages.tick() gives 5, not (users, spawn rate) or None"),
    "crowd": (SHAPE.format("50_000, 1"), "its Stages asks for 50,000 users; 10,000 at most"),
}
USABLE = {
    "good": GOOD,
    "defaults": f"{GOOD}{OPTION}parser.add_argument('--tenant', default='x')\n",
    "json": GOOD,  # named as a module that is there
    "stages": SHAPE.format("None if self.get_run_time() >= 7 else (int(self.get_run_time()) + 1, 1)"),
    "endless": SHAPE.format("5, 1"),
    "unknown": SHAPE.format("1 / 0"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    """All of them at once, as each process that imports Locust takes a second."""
    folder = tmp_path_factory.mktemp("files")
    orders = []
    for name, text in {**USABLE, **{name: text for name, (text, _) in PROBLEMS.items()}}.items():
        (folder / f"{name}.py").write_text(text)
        orders.append(Locustfile(path=folder / f"{name}.py"))
    for choice in ({"tags": ["rade"]}, {"exclude_tags": ["x"]}, {"user_classes": ["Shoper"]}, {"tags": ["write"]}):
        orders.append(Locustfile.model_validate({"path": folder / "good.py", **choice}))
    subprocess.run(
        [sys.executable, "-P", "-c", MANY],
        input=json.dumps([order.model_dump(mode="json") for order in orders]),
        env=locustfile_environment(),
        cwd=folder,
        text=True,
        check=True,
        timeout=60,
    )
    assert not (folder / "__pycache__").exists()
    return {
        path.name.removeprefix("found "): Found.model_validate_json(path.read_text())
        for path in folder.glob("found *")
    }


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_is_wrong_is_told_in_one_line(found: dict[str, Found], name: str) -> None:
    assert PROBLEMS[name][1] in found[name].problem
    assert found[name].problem.isprintable()


def test_classes_and_tags_are_found(found: dict[str, Found]) -> None:
    shopper = FoundClass(name="Shopper", client="FastHttpUser", weight=3)
    clerk = FoundClass(name="Clerk", client="HttpUser", weight=1, fixed_count=2)
    assert Found(user_classes=(shopper, clerk), tags=("read", "write")) == found["good"] == found["json"]
    assert "" == found["defaults"].problem
    assert (shopper,) == found["good write"].user_classes  # the other has no such task


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("good rade", "unknown tag 'rade'; did you mean 'read'?"),
        ("good x", "unknown tag 'x'; known: read, write"),
        ("good Shoper", "unknown user class 'Shoper'; did you mean 'Shopper'?"),
    ],
)
def test_what_is_not_there_cannot_be_chosen(found: dict[str, Found], name: str, said: str) -> None:
    assert said in found[name].problem


def test_a_shape_is_stepped_to_its_end(found: dict[str, Found]) -> None:
    shapes = {name: found[name].shape for name in ("stages", "endless", "unknown")}
    assert all(shapes.values())
    assert {"stages": (7.0, 7), "endless": (None, 5), "unknown": (None, 0)} == {
        name: (shape.length_s, shape.most_users) for name, shape in shapes.items() if shape is not None
    }
    assert shapes["unknown"] is not None
    assert "cannot be asked beforehand (ZeroDivisionError: division by zero)" in shapes["unknown"].remark


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import time\ntime.sleep(1000)\n", "is still being imported after 4 s"),
        ("while True: print('x' * 100_000)\n", "prints more than 1 MB"),
        ("import os\nos._exit(7)\n", "ends the process that imports it: it ended with exit code 7"),
    ],
    ids=["hangs", "prints", "ends"],
)
def test_a_file_that_does_not_come_to_its_end_holds_nobody_up(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "load.py"
    path.write_text(text)
    with pytest.raises(PlanError) as caught:
        inspect_locustfile(Locustfile(path=path), within_s=4.0)
    assert said in str(caught.value)
    assert locustfile.MOST_PRINTED_BYTES == 1_000_000


def test_the_command_says_it_in_one_line_and_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "load.py").write_text("import no_such_module\n")
    ended = poolstorm(
        *("run", "--app", f"{sys.executable} {{port}}", "--env", "DB={database_url}"),
        *("--locustfile", "load.py", "-o", "out"),
        cwd=tmp_path,
        timeout_s=60,
    )
    said = (
        "error: locustfile 'load.py': line 1: there is no module 'no_such_module'; install it beside poolstorm\n"
    )
    assert (EXIT_USAGE, "", said) == (ended.returncode, ended.stdout, ended.stderr)
    assert not (tmp_path / "out").exists()
