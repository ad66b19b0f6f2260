/** npm run bench: PostgreSQL (see postgres.ts); npm run bench -- ssh: SSH (see ssh/main.ts). */
await import(process.argv[2] === 'ssh' ? './ssh/main.ts' : './postgres.ts');
