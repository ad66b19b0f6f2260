import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { ROOT } from '#test/support/stacks.ts';
import { hashesIn, type OwnFolder, ownFolder } from './own-folder.ts';

/** Of .ci/terraform. Terraform itself is the machine's. */
const provider = process.env['CUSTODY_TERRAFORM'];
const isThere = provider !== undefined && spawnSync('terraform', ['version']).status === 0;
const isRequired = process.env['CUSTODY_REQUIRE_CLIENTS'] !== undefined;

const image = `registry.example.com/custody@sha256:${'0123456789abcdef'.repeat(4)}`;
const gateway = { hostname: 'gateway.example.com', tlsSecret: 'custody/tls', clients: ['10.0.0.0/8'] };
const settings = { configFolder: 'custody-config', image, gateway };

describe.skipIf(!isThere && !isRequired)('the module for Terraform', () => {
  let own: OwnFolder;
  let module: string;
  beforeAll(() => {
    own = ownFolder(inject('tarball'));
    writeFileSync(join(own.path, 'cdk.json'), JSON.stringify({ context: { custody: settings } }));
    writeFileSync(join(own.path, 'terraformrc'), `provider_installation {\n${overridden(provider!)}}\n`);
    module = made('module');
    return () => own[Symbol.dispose]();
  });

  function made(name: string): string {
    const program = join(own.installed, 'cdk', 'terraform', 'main.mjs');
    const { status, stderr } = spawnSync(process.execPath, [program, name], {
      cwd: own.path,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    return join(own.path, name);
  }

  function terraform(...args: readonly string[]) {
    const env = {
      PATH: process.env['PATH'],
      HOME: own.path,
      TF_CLI_CONFIG_FILE: join(own.path, 'terraformrc'),
    };
    const options = { cwd: module, encoding: 'utf8', env: { ...env, CHECKPOINT_DISABLE: '1' } } as const;
    const { status, stdout, stderr } = spawnSync('terraform', [...args], options);
    return { status, said: `${stdout}${stderr}` };
  }

  it('is the same, byte for byte, each time', () => {
    expect(hashesIn(made('again'))).toEqual(hashesIn(module));
  });

  it('is valid, and written as Terraform writes', () => {
    expect(terraform('fmt', '-check')).toMatchObject({ status: 0 });
    expect(terraform('validate', '-no-color').said).toContain('Success!');
  });

  it('puts each file of the template where the template looks for it, and refuses what would not work', () => {
    copyFileSync(join(ROOT, 'test', 'terraform', 'module.tftest.hcl'), join(module, 'module.tftest.hcl'));
    const { status, said } = terraform('test', '-no-color');
    expect(said).toContain('3 passed, 0 failed');
    expect(status).toBe(0);
  });

  it('has functions in it that Lambda can unpack', () => {
    const listed = JSON.parse(readFileSync(join(module, 'files.json'), 'utf8')) as Record<
      string,
      { file: string }
    >;
    const ours = Object.values(listed).filter(({ file }) => {
      const { status, stdout } = spawnSync('python3', ['-m', 'zipfile', '-l', join(module, file)], {
        encoding: 'utf8',
      });
      expect(status, file).toBe(0);
      return /^index\.mjs /m.test(stdout);
    });
    expect(ours).toHaveLength(12);
  });

  it('says what is wrong in two lines, without an image', () => {
    const { image: _none, ...rest } = settings;
    writeFileSync(join(own.path, 'cdk.json'), JSON.stringify({ context: { custody: rest } }));
    const program = join(own.installed, 'cdk', 'terraform', 'main.mjs');
    const { status, stderr } = spawnSync(process.execPath, [program, 'none'], {
      cwd: own.path,
      encoding: 'utf8',
    });
    expect(stderr.trim().split('\n')).toEqual([
      'cdk.json: context.custody.image: found nothing, expected an image by its digest',
      expect.stringMatching(/^→ Terraform makes no images/),
    ]);
    expect(status).toBe(1);
  });
});

function overridden(folder: string): string {
  return `  dev_overrides {\n    "hashicorp/aws" = "${folder}"\n  }\n`;
}
