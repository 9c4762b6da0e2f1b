"""Customers of the shop: `locust -f locustfile.py -H http://127.0.0.1:8000`."""

from __future__ import annotations

import random
from itertools import count

from locust import HttpUser, between, task

CUSTOMERS = 100
PRODUCTS = 300
NUMBERS = count(1)


class Customer(HttpUser):
    """Looks much, buys now and then."""

    wait_time = between(0.1, 0.5)

    def on_start(self) -> None:
        number = 1 + next(NUMBERS) % CUSTOMERS
        self.headers: dict[str, str] = {}
        login = {"email": f"customer{number}@example.com", "password": f"password{number}"}
        with self.client.post("/login", json=login, catch_response=True) as answer:
            if answer.status_code == 200:
                self.headers = {"Authorization": f"Bearer {answer.json()['token']}"}
            else:
                answer.failure(f"no login: {answer.status_code}")

    @task(10)
    def browse(self) -> None:
        self.client.get(f"/products?page={random.randint(1, PRODUCTS // 20)}", name="/products")

    @task(6)
    def look(self) -> None:
        self.client.get(f"/products/{random.randint(1, PRODUCTS)}", name="/products/[number]")

    @task(2)
    def bestsellers(self) -> None:
        self.client.get("/bestsellers")

    @task(3)
    def buy(self) -> None:
        for _ in range(random.randint(1, 3)):
            self._put(random.randint(1, PRODUCTS), random.randint(1, 3))
        self._order(expected=201)

    @task(1)
    def ask_too_much(self) -> None:
        """More than there ever is: the shop is to say so, and to go on as before."""
        product = random.randint(1, PRODUCTS)
        self._put(product, 1_000_000)
        self._order(expected=409)
        self.client.delete(f"/cart/{product}", headers=self.headers, name="/cart/[number]")

    @task(2)
    def own_orders(self) -> None:
        self.client.get("/orders", headers=self.headers)

    @task(1)
    def export(self) -> None:
        with self.client.get("/exports/orders.csv", headers=self.headers, catch_response=True) as answer:
            if answer.status_code == 200 and not answer.text.startswith("order,placed_at"):
                answer.failure("no CSV")

    def _put(self, product: int, quantity: int) -> None:
        self.client.put(
            f"/cart/{product}", json={"quantity": quantity}, headers=self.headers, name="/cart/[number]"
        )

    def _order(self, expected: int) -> None:
        with self.client.post("/orders", headers=self.headers, catch_response=True) as answer:
            if answer.status_code == expected:
                answer.success()
            else:
                answer.failure(f"{answer.status_code} where {expected} was expected")
