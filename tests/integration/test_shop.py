"""examples/shop does what a shop does, and examples/shop-broken has the faults that it says, each alone."""

from __future__ import annotations

import csv
import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import httpx
import psycopg2
import pytest

from harness.apps.places import of_database
from harness.apps.setup import set_up
from harness.apps.subjects import app_subjects
from harness.environment.database import DatabaseServer
from harness.environment.leash import Leash
from harness.environment.postgres import database_server
from harness.environment.target import target_process
from harness.planning.wish import read_plan_file
from harness.subject import Launch

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).parents[2] / "examples"
LAMP = 42
"""A product; it has 10,000 at the start."""
Start = Callable[..., AbstractContextManager["Shop"]]
Found = TypeVar("Found")


def launch_of(plan: str, name: str) -> Launch:
    """As the example's own plan file says."""
    apps = read_plan_file(EXAMPLES / plan / "poolstorm.toml").all_apps
    return next(subject.launch for app in apps for subject in app_subjects(app) if subject.name == name)


class Shop:
    """A running shop and the database behind it."""

    def __init__(self, url: str, database_url: str) -> None:
        self.url = url
        self.database_url = database_url

    @contextmanager
    def customer(self, number: int = 1) -> Iterator[httpx.Client]:
        """One who has logged in."""
        login = {"email": f"customer{number}@example.com", "password": f"password{number}"}
        with httpx.Client(base_url=self.url, timeout=20) as client:
            token = client.post("/login", json=login).raise_for_status().json()["token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client

    def ask(self, query: str) -> int:
        """A number that the database itself knows."""
        connection = psycopg2.connect(self.database_url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                return int((cursor.fetchone() or (0,))[0])
        finally:
            connection.close()

    def do(self, statement: str) -> None:
        """Change something behind the shop's back."""
        connection = psycopg2.connect(self.database_url)
        connection.autocommit = True
        connection.cursor().execute(statement)
        connection.close()

    def stock(self, product: int = LAMP) -> int:
        return self.ask(f"select stock from products where id = {product}")


@pytest.fixture(scope="module")
def migrated(leash: Leash, postgres_server: DatabaseServer) -> Iterator[DatabaseServer]:
    """Its fresh databases are what `alembic upgrade head` makes of an empty one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        launch = launch_of("shop", "shop")
        with database_server(
            leash, url=postgres_server.admin_url, allow_remote=False, progress=lambda _: None
        ) as own:
            own.create_template(lambda url: set_up(leash, launch, url))
            yield own


@pytest.fixture(scope="module")
def start(leash: Leash, migrated: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts a shop on a database of its own."""

    @contextmanager
    def started(plan: str = "shop", name: str = "shop", **environment: str) -> Iterator[Shop]:
        launch = launch_of(plan, name)
        launch = replace(launch, environment={**launch.environment, **environment})
        log_path = tmp_path_factory.mktemp("shop") / "shop.log"
        with (
            migrated.fresh_database() as database,
            target_process(
                leash, launch=launch, environment=of_database(database.url), log_path=log_path
            ) as target,
        ):
            yield Shop(target.url, database.url)

    return started


@pytest.fixture(scope="module")
def shop(start: Start) -> Iterator[Shop]:
    with start(HOUSEKEEPING_EVERY_S="0.2") as running:
        yield running


def test_models_and_migrations_say_the_same(
    migrated: DatabaseServer, monkeypatch: pytest.MonkeyPatch, leash: Leash
) -> None:
    url = "{database_url+asyncpg}"
    check = Launch(
        command=(),
        directory=EXAMPLES / "shop",
        environment={"DATABASE_URL": url},
        is_ours=False,
        setup=("alembic", "check"),
        setup_environment={"DATABASE_URL": url},
    )
    with migrated.fresh_database() as database:
        set_up(leash, check, database.url)  # raises where alembic would generate anything


def test_who_is_not_logged_in_may_look_and_no_more(shop: Shop) -> None:
    with httpx.Client(base_url=shop.url) as anyone:
        assert anyone.get("/healthz").json() == {"status": "ok"}
        assert len(anyone.get("/products").json()) == 20
        assert {"lamp"} == {row["name"].split()[1] for row in anyone.get("/products?search=LAMP").json()}
        assert anyone.get("/products?search=%25").json() == []  # a letter, not a pattern
        assert anyone.get(f"/products/{LAMP}").json()["id"] == LAMP
        assert anyone.get("/products/99999").status_code == 404
        assert len(anyone.get("/bestsellers").json()) == 10
        assert anyone.get("/orders").status_code == 401
        anyone.headers["Authorization"] = "Bearer made-up"
        assert anyone.post("/orders").status_code == 401
        wrong = {"email": "customer1@example.com", "password": "password2"}
        assert anyone.post("/login", json=wrong).status_code == 401


def test_a_login_ends_with_the_logout(shop: Shop) -> None:
    with shop.customer(2) as customer:
        assert customer.get("/orders").status_code == 200
        assert customer.post("/logout").status_code == 204
        assert customer.get("/orders").status_code == 401


def test_an_order_takes_from_the_stock_and_is_confirmed(shop: Shop) -> None:
    before = shop.stock()
    with shop.customer(3) as customer:
        assert customer.put(f"/cart/{LAMP}", json={"quantity": 3}).status_code == 204
        assert [(line["product_id"], line["quantity"]) for line in customer.get("/cart").json()] == [(LAMP, 3)]
        placed = customer.post("/orders").raise_for_status().json()
        assert placed["total_cents"] == 3 * placed["lines"][0]["price_cents"]
        assert customer.get("/cart").json() == []
        assert customer.post("/orders").status_code == 409  # nothing is left to order
        confirmed = until(lambda: customer.get(f"/orders/{placed['id']}").json()["confirmed_at"])
        assert confirmed is not None
        with shop.customer(4) as another:
            assert another.get(f"/orders/{placed['id']}").status_code == 404
    assert shop.stock() == before - 3


def test_what_is_not_there_is_not_sold_and_stays_in_the_cart(shop: Shop) -> None:
    before = shop.stock()
    with shop.customer(5) as customer:
        customer.put(f"/cart/{LAMP}", json={"quantity": 1_000_000})
        assert customer.post("/orders").status_code == 409
        assert len(customer.get("/cart").json()) == 1
        assert customer.delete(f"/cart/{LAMP}").status_code == 204
    assert shop.stock() == before


def test_the_stock_is_never_sold_twice_and_orders_do_not_deadlock(shop: Shop) -> None:
    shop.do("update products set stock = 10 where id in (7, 8)")
    orders_before = shop.ask("select count(*) from orders")

    def buy(number: int) -> int:
        with shop.customer(number) as customer:
            for product in (7, 8) if number % 2 else (8, 7):
                customer.put(f"/cart/{product}", json={"quantity": 1})
            return customer.post("/orders").status_code

    with ThreadPoolExecutor(8) as many:
        codes = list(many.map(buy, range(11, 31)))
    assert (10, 10) == (codes.count(201), codes.count(409))
    assert (0, 0) == (shop.stock(7), shop.stock(8))
    assert shop.ask("select count(*) from orders") == orders_before + 10


def test_who_orders_twice_at_once_gets_one_order(shop: Shop) -> None:
    with shop.customer(31) as customer, ThreadPoolExecutor(4) as many:
        customer.put("/cart/9", json={"quantity": 1})
        codes = list(many.map(lambda _: customer.post("/orders").status_code, range(4)))
    assert [201, 409, 409, 409] == sorted(codes)


def test_an_export_has_every_line(shop: Shop) -> None:
    expected = shop.ask("select count(*) from order_lines join orders on id = order_id where customer_id = 6")
    with shop.customer(6) as customer, customer.stream("GET", "/exports/orders.csv") as answer:
        assert "content-length" not in answer.headers
        rows = list(csv.reader(io.StringIO(answer.read().decode())))
    assert rows[0] == ["order", "placed_at", "product", "quantity", "price_cents"]
    assert len(rows) == 1 + expected > 50


def test_housekeeping_counts_what_sells_and_forgets_old_logins(shop: Shop) -> None:
    with shop.customer(32) as customer:
        shop.do("update tokens set expires_at = now() where customer_id = 32")
        assert customer.get("/orders").status_code == 401
    shop.do("insert into order_lines select max(id), 300, 100000, 1 from orders on conflict do nothing")
    assert until(lambda: shop.ask("select sold from bestsellers where product_id = 300") >= 100_000)
    assert until(lambda: shop.ask("select count(*) from tokens where customer_id = 32") == 0)


def test_exhausted_it_says_so_in_time_and_its_health_does_not_suffer(start: Start) -> None:
    with start(DB_POOL_SIZE="1", DB_MAX_OVERFLOW="0", DB_POOL_TIMEOUT="0.2") as shop, shop.customer() as customer:
        customer.put(f"/cart/{LAMP}", json={"quantity": 1})
        with ThreadPoolExecutor(1) as aside, holding(shop, f"select 1 from products where id = {LAMP} for update"):
            waiting = aside.submit(customer.post, "/orders")
            refused = until(lambda: (answer := customer.get("/products")).status_code == 503 and answer)
            assert refused
            assert refused.headers["Retry-After"] == "1"
            assert customer.get("/healthz").status_code == 200
        assert waiting.result().status_code == 201
        assert customer.get("/products").status_code == 200


def test_a_database_that_goes_is_told_and_found_again(shop: Shop) -> None:
    with shop.customer(33) as customer:
        shop.do(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert customer.get("/orders").status_code == 200  # pre-ping has seen it


def broken(start: Start, fault: str) -> AbstractContextManager[Shop]:
    return start("shop-broken", "broken", SHOP_FAULTS=fault)


def test_a_synchronous_session_stops_the_whole_process(start: Start) -> None:
    with broken(start, "sync-in-async") as shop, shop.customer() as customer:
        with ThreadPoolExecutor(1) as aside, holding(shop, "lock table products"):
            waiting = aside.submit(customer.get, "/products")
            assert until(lambda: not answers(shop, "/healthz"))
        assert waiting.result().status_code == 200


def test_a_session_leaks_where_there_was_an_error(start: Start) -> None:
    with broken(start, "leak-on-error") as shop, shop.customer() as customer:
        customer.put(f"/cart/{LAMP}", json={"quantity": 1_000_000})
        assert customer.post("/orders").status_code == 409
        time.sleep(0.2)
        assert shop.ask(IN_TRANSACTION) == 1


def test_a_commit_after_the_answer_fails_unheard(start: Start) -> None:
    with broken(start, "late-commit") as shop, shop.customer() as customer:
        shop.do(FAILING_COMMIT)
        assert customer.put(f"/cart/{LAMP}", json={"quantity": 1}).status_code == 204
        assert until(lambda: shop.ask(IN_TRANSACTION) == 0)
        assert shop.ask("select count(*) from cart_lines") == 0


def test_a_small_pool_has_two_connections_whatever_its_variables_say(start: Start) -> None:
    with broken(start, "small-pool") as shop, shop.customer() as customer:
        with ThreadPoolExecutor(6) as many, holding(shop, "lock table products"):
            waiting = [many.submit(customer.get, "/products") for _ in range(6)]
            assert until(lambda: shop.ask(AT_WORK) == 2)
            time.sleep(0.3)
            assert shop.ask(AT_WORK) == 2
        assert {200} == {one.result().status_code for one in waiting}


def test_the_shop_itself_has_none_of_these_faults(shop: Shop) -> None:
    with shop.customer(34) as customer:
        with ThreadPoolExecutor(6) as many, holding(shop, "lock table products"):
            waiting = [many.submit(customer.get, "/products") for _ in range(6)]
            assert until(lambda: shop.ask(AT_WORK) == 6)
            assert answers(shop, "/healthz")
        assert {200} == {one.result().status_code for one in waiting}
        customer.put(f"/cart/{LAMP}", json={"quantity": 1_000_000})
        assert customer.post("/orders").status_code == 409
        assert until(lambda: shop.ask(IN_TRANSACTION) == 0)
        customer.delete(f"/cart/{LAMP}")
        shop.do(FAILING_COMMIT)
        assert customer.put(f"/cart/{LAMP}", json={"quantity": 1}).status_code == 500
        shop.do("drop trigger refuse on cart_lines")


_OTHERS = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
IN_TRANSACTION = f"select count(*) {_OTHERS} and state like 'idle in transaction%'"
AT_WORK = f"select count(*) {_OTHERS} and wait_event_type = 'Lock'"
FAILING_COMMIT = """
create or replace function refuse() returns trigger language plpgsql as $$ begin raise 'not this one'; end $$;
create constraint trigger refuse after insert on cart_lines deferrable initially deferred
    for each row execute function refuse();
"""


@contextmanager
def holding(shop: Shop, statement: str) -> Iterator[None]:
    """Locks of someone else's, during the block."""
    connection = psycopg2.connect(shop.database_url)
    try:
        connection.cursor().execute(statement)
        yield
    finally:
        connection.close()


def answers(shop: Shop, path: str) -> bool:
    """Whether an answer comes within half a second."""
    try:
        return httpx.get(f"{shop.url}{path}", timeout=0.5).status_code == 200
    except httpx.TimeoutException:
        return False


def until(see: Callable[[], Found], within_s: float = 10.0) -> Found:
    """What is seen as soon as it is true, and at the latest."""
    deadline = time.monotonic() + within_s
    while not (found := see()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found
