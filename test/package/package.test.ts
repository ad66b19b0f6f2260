import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { buildEvidence, makeKeys } from '#test/support/evidence-builder.ts';
import { MINIMAL, ROOT } from '#test/support/stacks.ts';
import { filesWith, hashesIn, type OwnFolder, otherClone, ownFolder } from './own-folder.ts';

let own: OwnFolder;
beforeAll(() => void (own = ownFolder(inject('tarball'))));
afterAll(() => own[Symbol.dispose]());

/** A program of the package, in the own folder, with nothing of ours in its environment. */
function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const home = join(own.path, 'home');
  mkdirSync(home, { recursive: true });
  return spawnSync(process.execPath, [join(own.installed, program), ...args], {
    cwd: own.path,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: home, ...env },
  });
}

describe('the package', () => {
  it('has no sources to compile, and no path of the clone in any file', () => {
    const sources = globSync('**/*.{ts,tsx}', { cwd: own.installed }).filter(
      (name) => !name.endsWith('.d.ts'),
    );
    expect(sources).toEqual([]);
    expect(filesWith(ROOT.replace(/\/$/, ''), own.installed)).toEqual([]);
  });

  it('lists what of others is inside, with their licences', () => {
    const list = JSON.parse(readFileSync(join(own.installed, 'sbom.cdx.json'), 'utf8')) as {
      readonly components: readonly { readonly name: string; readonly 'bom-ref': string }[];
    };
    const names = list.components.map(({ name }) => name);
    // Of a function, of the command, of the console, of the construct; and nothing that is not inside.
    expect(names).toEqual(expect.arrayContaining(['@aws-sdk/client-s3', 'commander', 'preact', 'cdk-nag']));
    expect(names).not.toContain('vitest');
    expect(names).not.toContain('aws-cdk-lib');
    const licences = readFileSync(join(own.installed, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const { 'bom-ref': reference } of list.components) expect(licences).toContain(`${reference} (`);
  });

  it('is the same, byte for byte, from another folder', () => {
    using clone = otherClone();
    execFileSync('npm', ['run', '--silent', 'pack'], { cwd: clone.path });
    const [ours, theirs] = [ROOT, clone.path].map((root) => hashesIn(join(root, 'dist', 'package')));
    expect(theirs).toEqual(ours);
  });
});

describe('the command', () => {
  it('says its version, and what it is for', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(run('cli/custody.mjs', ['--version']).stdout.trim()).toBe(version);
    expect(run('cli/custody.mjs', ['--help']).stdout).toContain('verify');
  });

  it('verifies evidence, and writes it as a page for somebody who has nothing', () => {
    const evidence = join(own.path, 'evidence');
    mkdirSync(evidence);
    const frames = [{ stream: 1, timeUs: 1, payload: Buffer.from('hello') }];
    for (const [name, bytes] of buildEvidence(makeKeys(), [[frames]]))
      writeFileSync(join(evidence, name), bytes);
    const verified = run('cli/custody.mjs', ['verify', evidence, '--key', join(evidence, 'signer.pem')]);
    expect(verified.stdout + verified.stderr).toContain('1 segment');
    const page = join(own.path, 'page.html');
    run('cli/custody.mjs', ['export', evidence, '--bundle', '--out', page]);
    const [text, player, style] = [page, 'dist/player.js', 'console/player/style.css'].map((file) =>
      readFileSync(resolve(own.installed, file), 'utf8'),
    );
    for (const part of [player!, style!.slice(0, 200), 'sha256sum']) expect(text!.includes(part)).toBe(true);
  });

  it.each(['cli/custody.mjs', 'cdk/app.mjs', 'cdk/terraform/main.mjs', 'local/main.mjs'])(
    'says of an old Node what is needed: %s',
    (program) => {
      const old =
        "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });";
      const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(old)}`;
      const { status, stderr } = run(program, [], { NODE_OPTIONS });
      expect(stderr).toContain('this Node is 20.20.2, and Node 24 or later is needed');
      expect(status).toBe(1);
    },
  );

  it('brings the gateway for a laptop', () => {
    const { stderr } = run('local/main.mjs', ['--port-base', 'none']);
    expect(stderr).toContain('--port-base');
    expect(stderr).not.toContain('    at ');
  });
});

describe('a stack', () => {
  it("of one's own settings is the one that the clone makes, with every file that goes to AWS", () => {
    const settings = { ...MINIMAL, configFolder: 'custody-config' };
    const context = (configFolder: string) => JSON.stringify({ custody: { ...settings, configFolder } });
    const out = join(own.path, 'cdk.out');
    const made = run('cdk/app.mjs', [], { CDK_OUTDIR: out, CDK_CONTEXT_JSON: context('custody-config') });
    expect(made.stderr).not.toContain('    at ');
    expect(made.status).toBe(0);
    const clones = join(own.path, 'clone.out');
    execFileSync(process.execPath, [join(ROOT, 'cdk', 'app.ts')], {
      cwd: ROOT,
      stdio: 'ignore',
      env: { ...process.env, CDK_OUTDIR: clones, CDK_CONTEXT_JSON: context('cdk/example') },
    });
    const read = (file: string) => readFileSync(file, 'utf8');
    expect(read(join(out, 'Custody.template.json'))).toBe(read(join(clones, 'Custody.template.json')));
    expect(globSync('asset.*', { cwd: out }).sort()).toEqual(globSync('asset.*', { cwd: clones }).sort());
    expect(filesWith(ROOT.replace(/\/$/, ''), out)).toEqual([]);
  });

  it("of one's own code has types, and is made", () => {
    writeFileSync(join(own.path, 'stack.ts'), OWN_STACK);
    writeFileSync(join(own.path, 'tsconfig.json'), JSON.stringify(TSCONFIG));
    expect(checked()).toBe('');
    const made = spawnSync(process.execPath, ['stack.ts'], {
      cwd: own.path,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], CDK_OUTDIR: join(own.path, 'own.out') },
    });
    expect(made.stderr).not.toContain('    at ');
    const template = readFileSync(join(own.path, 'own.out', 'Own.template.json'), 'utf8');
    expect(template).toContain('AWS::ECS::TaskDefinition');
    writeFileSync(join(own.path, 'stack.ts'), OWN_STACK.replace("reach: 'internal'", "reach: 'everywhere'"));
    expect(checked()).toContain('\'"everywhere"\' is not assignable to type \'"internal" | "internet"\'');
  });

  function checked(): string {
    const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
    return spawnSync(process.execPath, [tsc, '-p', '.'], { cwd: own.path, encoding: 'utf8' }).stdout;
  }
});

const TSCONFIG = {
  compilerOptions: {
    ...{ target: 'es2024', module: 'nodenext', strict: true, noEmit: true, types: ['node'] },
    // CDK's own are looked at with the rest: seconds, and the only way to have ours looked at.
    skipLibCheck: false,
  },
  files: ['stack.ts'],
};

const OWN_STACK = `
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AccessGateway } from 'custody';

const app = new App({ builtinCloudFormationValidation: false, analyticsReporting: false });
const stack = new Stack(app, 'Own');
const gateway = new AccessGateway(stack, 'Gateway', {
  configFolder: 'custody-config',
  hostname: 'gateway.example.com',
  port: 5432,
  tlsSecret: Secret.fromSecretNameV2(stack, 'Tls', 'custody/tls'),
  reach: 'internal',
  clients: ['10.0.0.0/8'],
  issuerAccess: 'nat',
  tasks: { min: 2, max: 10, cpu: 1024, memoryMiB: 2048, architecture: 'arm64', sessionsEach: 200 },
  drain: Duration.minutes(30),
  recordings: { lock: 'governance', lockDays: 365, ledgerDays: 3650, acknowledgeCompliance: false },
});
gateway.addPostgresTarget('orders', {
  host: 'orders.cluster-example.eu-central-1.rds.amazonaws.com',
  port: 5432,
  secret: Secret.fromSecretNameV2(stack, 'Orders', 'custody/orders'),
});
app.synth();
`;
