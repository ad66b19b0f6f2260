import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IMAGE_FILES } from '#cdk/artifacts.ts';
import { build, bundles } from '#cdk/bundle.ts';
import { configFolder, ROOT } from '#test/support/stacks.ts';

const folder = mkdtempSync(join(tmpdir(), 'custody-synth-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** No account, no region, no credentials, no home. */
const OFFLINE = {
  PATH: process.env['PATH'],
  HOME: folder,
  AWS_EC2_METADATA_DISABLED: 'true',
  HTTPS_PROXY: 'http://127.0.0.1:9',
  HTTP_PROXY: 'http://127.0.0.1:9',
};

/** What the stack tells a function, with nothing behind it. */
const ENVIRONMENT = Object.fromEntries(
  ['BUCKET', 'CONFIG_BUCKET', 'EVENTS_BUCKET', 'SIGNING_KEY', 'LEDGER_ORIGIN']
    .concat(
      ['SESSIONS', 'JOURNAL', 'COORDINATION', 'ACCESS', 'RUNS', 'DELIVERIES'].map((name) => `TABLE_${name}`),
    )
    .map((name) => [`CUSTODY_${name}`, 'none'])
    .concat([
      ['CUSTODY_GATEWAY_ADDRESS', 'gateway.example.com:5432'],
      ['AWS_REGION', 'eu-central-1'],
      ['AWS_ACCESS_KEY_ID', 'none'],
      ['AWS_SECRET_ACCESS_KEY', 'none'],
      ['AWS_ENDPOINT_URL', 'http://127.0.0.1:9'],
    ]),
) as Record<string, string>;

let said = '';
beforeAll(() => {
  said = execFileSync('node', ['cdk/bundle.ts'], { cwd: ROOT, encoding: 'utf8' });
});

describe('npm run build', () => {
  it('makes a folder of each function and of the proxy, and says how large it is: at the start, and where needed', () => {
    expect(bundles).toHaveLength(16);
    for (const { output } of bundles) {
      const line = new RegExp(
        `^${output.replaceAll('.', '\\.')} +(\\d+) KB(?:, +(\\d+) KB where needed)?$`,
        'm',
      );
      const [atStart, later] = line
        .exec(said)!
        .slice(1)
        .map((found) => Number(found ?? 0)) as [number, number];
      const files = globSync(join(ROOT, 'dist', dirname(output), '*.mjs'));
      const inAll = files.reduce((sum, file) => sum + statSync(file).size, 0) / 1024;
      // What shows recordings whenever it is asked, and what reads each, has the types of Kubernetes; the proxy starts once, with an HTTP client.
      const [mostAtStart, most] = /^lambdas\/(?:replay|indexer)/.test(output)
        ? [3_200, 3_500]
        : output === 'proxy/main.mjs'
          ? [2_200, 4_200]
          : [1_500, 3_200];
      expect(atStart, output).toBeLessThan(mostAtStart);
      expect(atStart + later, output).toBeLessThan(most);
      const ofAll = output.startsWith('proxy/') ? 0 : atStart + later - inAll;
      expect(Math.abs(ofAll), output).toBeLessThan(3);
    }
  });

  it('loads no parser of SQL before a workflow needs it', () => {
    const ofSql = globSync(join(ROOT, 'dist/{lambdas,proxy}/**/*.mjs')).filter((file) =>
      readFileSync(file, 'utf8').includes('libpg-query.wasm'),
    );
    expect(ofSql.filter((file) => basename(file) === 'index.mjs' || basename(file) === 'main.mjs')).toEqual(
      [],
    );
    expect(ofSql.length).toBeGreaterThan(5);
  });

  it('makes a proxy that starts, and says what it misses', () => {
    const file = join(ROOT, 'dist', 'proxy', 'main.mjs');
    const { status, stderr } = spawnSync(process.execPath, [file, '--config', join(folder, 'none.yaml')], {
      encoding: 'utf8',
      env: {},
    });
    expect(status).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ event: 'cannot-start', code: 'config-invalid' });
  });

  it('has a terminal for what reads recordings, and it works in a bundle: its package is CommonJS', async () => {
    const dist = join(ROOT, 'dist');
    const holds = globSync('{lambdas,proxy}/**/*.mjs', { cwd: dist }).filter((file) =>
      readFileSync(join(dist, file), 'utf8').includes('windowsPty'),
    );
    expect([...new Set(holds.map((file) => dirname(file)))].sort()).toEqual([
      'lambdas/indexer',
      'lambdas/replay',
    ]);
    await build([{ entry: 'test/cdk/typed-line.ts', output: 'typed/main.mjs' }], folder);
    const typed = join(folder, 'typed', 'main.mjs');
    expect(execFileSync(process.execPath, [typed], { encoding: 'utf8' })).toBe('ls');
  });

  it('has the parser of SQL beside what reads configs, and it works in a bundle, here and in a thread', async () => {
    for (const { output } of bundles) {
      const beside = join(ROOT, 'dist', output, '..', 'libpg-query.wasm');
      // They do as statements and leaves say, whatever the configuration says.
      const readsNone = /sealer|sequencer/.test(output);
      expect(existsSync(beside), output).toBe(!readsNone);
    }
    const thread = {
      entry: 'fargate-proxy/protocols/postgres/shape-thread.ts',
      output: 'sql/shape-thread.mjs',
    };
    await build([{ entry: 'test/cdk/sql-shape.ts', output: 'sql/main.mjs' }, thread], folder);
    const said = execFileSync(process.execPath, [join(folder, 'sql', 'main.mjs')], { encoding: 'utf8' });
    expect(said).toBe('SELECT a FROM t WHERE b = $1 true');
  });

  it.each(bundles.filter(({ output }) => output.startsWith('lambdas/')))(
    'makes of $entry something that exports a handler',
    ({ output }) => {
      const file = join(ROOT, 'dist', output);
      const script = `import('${file}').then(({ handler }) => { process.stdout.write(typeof handler); process.exit(); })`;
      const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', env: ENVIRONMENT });
      expect(stdout).toBe('function');
    },
  );

  it('makes all that the Dockerfile copies', () => {
    const dockerfile = readFileSync(join(ROOT, 'fargate-proxy', 'Dockerfile'), 'utf8');
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(\S+) /gm)].map(([, path]) => path!);
    expect(copied).not.toEqual([]);
    for (const path of copied) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
      expect(
        IMAGE_FILES.some((file) => path === file || path.startsWith(`${file}/`)),
        path,
      ).toBe(true);
    }
  });
});

describe('cdk synth', () => {
  function synth(out: string, cwd = ROOT) {
    const cdk = join(ROOT, 'node_modules', '.bin', 'cdk');
    const args = ['synth', '--quiet', '--no-notices', '--no-version-reporting', '--output', out];
    return spawnSync(cdk, args, { cwd, encoding: 'utf8', env: OFFLINE });
  }

  it('works without an account or a network', () => {
    const out = join(folder, 'out');
    const { status, stderr } = synth(out);
    expect(status, stderr).toBe(0);
    const template = JSON.parse(readFileSync(join(out, 'Custody.template.json'), 'utf8')) as {
      Resources: object;
    };
    expect(Object.keys(template.Resources).length).toBeGreaterThan(100);
  });

  it('gives Docker what its file copies, and nothing else of this folder', () => {
    const [image] = globSync(join(folder, 'out', 'asset.*', 'fargate-proxy', 'Dockerfile'));
    const asset = join(image!, '..', '..');
    const files = globSync('**/*', { cwd: asset }).filter((name) => statSync(join(asset, name)).isFile());
    expect(files.sort()).toEqual([
      'dist/package.json',
      'dist/proxy/libpg-query.wasm',
      'dist/proxy/main.mjs',
      ...globSync('dist/proxy/part-*.mjs', { cwd: ROOT }).sort(),
      'dist/proxy/shape-thread.mjs',
      'dist/rds-ca.pem',
      'fargate-proxy/Dockerfile',
    ]);
  });

  it('before npm run build says that, and nothing else', () => {
    const fresh = join(folder, 'fresh');
    const parts = [
      'adapters',
      'cdk',
      'console',
      'core',
      'fargate-proxy',
      'lambdas',
      'cdk.json',
      'package.json',
    ];
    for (const part of parts) cpSync(join(ROOT, part), join(fresh, part), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(fresh, 'node_modules'));
    const { status, stderr } = synth(join(folder, 'unbuilt'), fresh);
    expect(status).not.toBe(0);
    const [mistake, hint, ...rest] = stderr.trim().split('\n');
    expect(mistake).toMatch(/^dist\/\S+ is not there$/);
    expect(hint).toBe('→ build first: npm run build');
    // The CDK's own last word.
    expect(rest).toEqual([expect.stringMatching(/Subprocess exited with error 1$/)]);
  });

  it('says in two lines what is wrong, and how to go on', () => {
    using wrong = configFolder((yaml) => yaml.replace('audience: custody', 'audienc: custody'));
    const gateway = { hostname: 'gateway.example.com', tlsSecret: 'tls', clients: ['10.0.0.0/8'] };
    const context = { custody: { configFolder: '.', gateway } };
    const app = `node ${join(ROOT, 'cdk', 'app.ts')}`;
    writeFileSync(join(wrong.path, 'cdk.json'), JSON.stringify({ app, context }));
    const { status, stderr } = synth(join(folder, 'wrong'), wrong.path);
    expect(status).not.toBe(0);
    const [mistake, hint] = stderr.split('\n');
    expect(mistake).toMatch(/custody\.yaml:\d+:\d+: identity\.audienc: there is no such key here/);
    expect(stderr).not.toContain('    at ');
    expect(hint).toBeDefined();
  });
});
