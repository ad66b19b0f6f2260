/**
 * npm run bench: PostgreSQL (see postgres.ts); npm run bench -- ssh: SSH (see ssh/main.ts);
 * npm run bench -- scaling: gateways of several processes (see scaling/main.ts);
 * npm run bench -- durable: what PostgreSQL itself takes for a durable commit (see durable/main.ts).
 */
const MAINS: Readonly<Record<string, string>> = {
  ssh: './ssh/main.ts',
  scaling: './scaling/main.ts',
  durable: './durable/main.ts',
};

await import(MAINS[process.argv[2] ?? ''] ?? './postgres.ts');
