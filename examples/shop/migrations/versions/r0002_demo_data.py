"""Something to sell, someone to buy it, and orders of the last weeks: the same in every database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shop.security import hash_password

revision = "0002"
down_revision = "0001"

PRODUCTS = 300
CUSTOMERS = 100
ORDERS = 3000

_GOODS = """
insert into products (id, name, price_cents, stock)
select n, (array['Red', 'Green', 'Blue', 'Black', 'White', 'Plain'])[1 + n % 6] || ' '
    || (array['cup', 'plate', 'bowl', 'lamp', 'chair'])[1 + n % 5] || ' no. ' || n, 500 + (n * 7919) % 9500, 10000
from generate_series(1, :products) n
"""
_ORDERS = """
insert into orders (id, customer_id, placed_at, total_cents, confirmed_at)
select n, 1 + n % :customers, date '2026-01-01' + n * interval '10 minutes', 0, date '2026-02-01'
from generate_series(1, :orders) n
"""
_LINES = """
insert into order_lines (order_id, product_id, quantity, price_cents)
select o, p.id, 1 + o % 3, p.price_cents
from generate_series(1, :orders) o
join lateral generate_series(0, o % 4) i on true
join products p on p.id = 1 + (o * 31 + i * 97) % :products
"""
_TOTALS = """
update orders set total_cents = (select sum(quantity * price_cents) from order_lines where order_id = orders.id)
"""
_BESTSELLERS = """
insert into bestsellers (product_id, sold)
select product_id, sum(quantity) from order_lines group by product_id
"""


def upgrade() -> None:
    connection = op.get_bind()
    numbers = {"products": PRODUCTS, "customers": CUSTOMERS, "orders": ORDERS}
    connection.execute(
        sa.text("insert into customers (id, email, name, password_hash) values (:id, :email, :name, :password)"),
        [
            {
                "id": number,
                "email": f"customer{number}@example.com",
                "name": f"Customer {number}",
                "password": hash_password(f"password{number}"),
            }
            for number in range(1, CUSTOMERS + 1)
        ],
    )
    for statement in (_GOODS, _ORDERS, _LINES, _TOTALS, _BESTSELLERS):
        wanted = {name: number for name, number in numbers.items() if f":{name}" in statement}
        connection.execute(sa.text(statement), wanted)
    for table in ("customers", "products", "orders"):  # the next one of each is not to get a number that is taken
        connection.execute(
            sa.text(f"select setval(pg_get_serial_sequence('{table}', 'id'), (select max(id) from {table}))")
        )


def downgrade() -> None:
    op.execute("truncate order_lines, orders, cart_lines, bestsellers, products, tokens, customers")
