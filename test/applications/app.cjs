/** What a job with node-postgres does: a cursor, statements that are prepared, parameters, and an error. */
const { Client } = require('pg');
const Cursor = require('pg-cursor');

async function main() {
  const client = new Client({ ssl: { ca: require('node:fs').readFileSync(process.env.PGSSLROOTCERT) } });
  await client.connect();
  await client.query('begin');
  const cursor = client.query(new Cursor('select id, who, amount, made from orders where amount > $1 order by id', [10]));
  let rows = 0;
  for (let some = await cursor.read(9); some.length > 0; some = await cursor.read(9)) rows += some.length;
  await cursor.close();
  const left = client.query(new Cursor('select id from orders order by id'));
  await left.read(4);
  await left.close();
  for (let n = 0; n < 20; n++)
    await client.query({ name: 'one', text: 'select who, amount from orders where id = $1', values: [n + 1] });
  const made = await client.query('insert into orders (who, amount) values ($1, $2) returning id', ['node', 5]);
  await client.query('update orders set amount = amount + 1 where id = $1', [made.rows[0].id]);
  await client.query('commit');
  await client.query("insert into loaded values (1, 'a')");
  await client.query("insert into loaded values (1, 'b')").catch((error) => console.log('failed', error.code));
  await Promise.all([1, 2, 3].map((n) => client.query('select $1::int as n', [n])));
  await client.end();
  console.log('rows', rows);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
