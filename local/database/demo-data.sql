-- A small shop: enough to query, join, dump and copy. The same rows on every machine.
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE, city text NOT NULL, since date NOT NULL);
CREATE TABLE products (id int PRIMARY KEY, name text NOT NULL, price numeric(10, 2) NOT NULL, stock int NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, placed_at timestamptz NOT NULL, status text NOT NULL);
CREATE TABLE order_lines (order_id int NOT NULL REFERENCES orders, line int NOT NULL, product_id int NOT NULL REFERENCES products, quantity int NOT NULL, PRIMARY KEY (order_id, line));

INSERT INTO customers
SELECT n, first || ' ' || last, lower(first || '.' || last || n || '@example.com'), city, date '2021-01-01' + n * 11
FROM generate_series(1, 120) n,
  LATERAL (SELECT (ARRAY['Ana', 'Ben', 'Chiara', 'Dilan', 'Emre', 'Fatou', 'Goran', 'Hana', 'Ines', 'Jonas'])[1 + n % 10] AS first,
                  (ARRAY['Silva', 'Novak', 'Rossi', 'Yilmaz', 'Diallo', 'Kovac', 'Sato', 'Weber'])[1 + n % 8] AS last,
                  (ARRAY['Lisbon', 'Zagreb', 'Turin', 'Izmir', 'Dakar', 'Osaka', 'Bern'])[1 + n % 7] AS city) AS of;

INSERT INTO products
SELECT n, (ARRAY['Lamp', 'Chair', 'Desk', 'Shelf', 'Rug', 'Clock', 'Mirror', 'Vase'])[1 + n % 8] || ' ' ||
          (ARRAY['oak', 'steel', 'walnut', 'linen', 'glass'])[1 + n % 5], 15 + (n * 37 % 400) + 0.90, n * 13 % 90
FROM generate_series(1, 40) n;

INSERT INTO orders
SELECT n, 1 + n * 7 % 120, timestamptz '2026-01-05 08:00+00' + n * interval '13 hours',
       (ARRAY['paid', 'shipped', 'delivered', 'returned', 'paid', 'delivered'])[1 + n % 6]
FROM generate_series(1, 400) n;

INSERT INTO order_lines
SELECT o, l, 1 + (o * 3 + l * 11) % 40, 1 + (o + l) % 4
FROM generate_series(1, 400) o, generate_series(1, 3) l WHERE l <= 1 + o % 3;

-- Some orders were paid twice: the workflow refunds pays them back.
CREATE TABLE payments (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders, amount numeric(10, 2) NOT NULL, paid_at timestamptz NOT NULL);
CREATE TABLE refunds (order_id int PRIMARY KEY REFERENCES orders, amount numeric(10, 2) NOT NULL CHECK (amount > 0), refunded_at timestamptz NOT NULL DEFAULT now());

INSERT INTO payments
SELECT row_number() OVER (ORDER BY o.id, again), o.id, sum(p.price * l.quantity), o.placed_at + again * interval '5 minutes'
FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN products p ON p.id = l.product_id, generate_series(0, 1) again
WHERE again = 0 OR o.id % 9 = 4
GROUP BY o.id, o.placed_at, again;
