import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { brokenArrows, importedFiles } from '#test/support/arrows.ts';
import { importCircles } from '#test/support/import-circles.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const FOLDERS = [
  'core',
  'adapters',
  'fargate-proxy',
  'lambdas',
  'cdk',
  'cli',
  'console',
  'local',
  'pack',
  'test',
] as const;

const isCode = (name: string): boolean => /\.[mc]?[jt]sx?$/.test(name);

function codeOf(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  const paths = names.filter(isCode).map((name) => `${folder}/${name.replaceAll(sep, '/')}`);
  return paths.filter((path) => !path.includes('/node_modules/'));
}

const present = FOLDERS.filter((folder) => readdirSync(ROOT).includes(folder));

describe('the import arrows of ARCHITECTURE.md', () => {
  it.each(present)('hold in %s', (folder) => {
    const broken = codeOf(folder).flatMap((path) =>
      brokenArrows(path, readFileSync(join(ROOT, path), 'utf8')).map((what) => `${path}: ${what}`),
    );
    expect(broken).toEqual([]);
  });

  it('are looked at in every folder that has code', () => {
    const others = readdirSync(ROOT, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !/^(?:\.|node_modules$|dist$|cdk\.out$)/.test(entry.name))
      .map(({ name }) => name)
      .filter((name) => !FOLDERS.some((folder) => folder === name) && codeOf(name).length > 0);
    expect(others).toEqual([]);
    for (const folder of ['core', 'adapters', 'fargate-proxy', 'lambdas', 'cli', 'local']) {
      expect(codeOf(folder).length, folder).toBeGreaterThan(0);
    }
  });

  it('know every alias of package.json', () => {
    const { imports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      imports: Record<string, string>;
    };
    for (const [alias, folder] of Object.entries(imports)) {
      const [, area] = folder.split('/');
      const text = `import '${alias.replace('*', 'x.ts')}';`;
      expect(brokenArrows('console/x.ts', text)[0], alias).toContain(`console may not import ${area}`);
    }
  });
});

describe('circles of imports', () => {
  it('are nowhere, not even of types', () => {
    const files = present.flatMap(codeOf);
    const imports = files.map(
      (path) => [path, importedFiles(path, readFileSync(join(ROOT, path), 'utf8'))] as const,
    );
    expect(importCircles(new Map(imports))).toEqual([]);
  });

  it.each<[what: string, imports: Readonly<Record<string, string[]>>, circles: string[][]]>([
    ['a tree', { a: ['b', 'c'], b: ['c'], c: [] }, []],
    ['a diamond', { a: ['b', 'c'], b: ['d'], c: ['d'], d: ['outside'] }, []],
    ['two', { a: ['b'], b: ['a'] }, [['a', 'b']]],
    ['a file that imports itself', { a: ['a'] }, [['a']]],
    ['three, by way of a fourth', { x: ['a'], a: ['b'], b: ['c'], c: ['a'] }, [['a', 'b', 'c']]],
    [
      'two circles that touch',
      { a: ['b'], b: ['a', 'c'], c: ['d'], d: ['c'] },
      [
        ['c', 'd'],
        ['a', 'b'],
      ],
    ],
  ])('%s', (_, imports, circles) => {
    expect(importCircles(new Map(Object.entries(imports)))).toEqual(circles);
  });

  it('are found through aliases, types, re-exports and import()', () => {
    const files = {
      'core/a.ts': "import type { B } from '#core/b.ts';",
      'core/b.ts': "export { c } from './c.ts';",
      'core/c.ts': "type D = import('../core/d.ts').D;",
      'core/d.ts': "await import('#core/a.ts');",
    };
    const imports = Object.entries(files).map(([path, text]) => [path, importedFiles(path, text)] as const);
    expect(importCircles(new Map(imports))).toEqual([Object.keys(files)]);
  });
});

const X = 'core/x.ts';
const POSTGRES = 'fargate-proxy/protocols/postgres/x.ts';

describe('an arrow that is broken', () => {
  it.each<[path: string, text: string, why: string]>([
    [X, "import { a } from '#adapters/local/a.ts';", 'core may not import adapters'],
    [X, "import type { A } from '../adapters/local/a.ts';", 'core may not import adapters'],
    [X, "export * from '#lambdas/a.ts';", 'core may not import lambdas'],
    [X, "export { a } from '#cli/a.ts';", 'core may not import cli'],
    [X, "const a = await import('#proxy/a.ts');", 'core may not import fargate-proxy'],
    [X, "type A = import('#local/a.ts').A;", 'core may not import local'],
    [X, "import '#test/support/a.ts';", 'core may not import test'],
    ['adapters/local/x.ts', "import '#lambdas/a.ts';", 'adapters may not import lambdas'],
    ['adapters/local/x.ts', "import '../aws/a.ts';", 'share no code'],
    ['adapters/local/x.ts', "import '#test/a.ts';", 'adapters may not import test'],
    ['lambdas/sessions/x.ts', "import '#cli/a.ts';", 'lambdas may not import cli'],
    ['lambdas/sessions/x.ts', "import '../../fargate-proxy/a.ts';", 'lambdas may not import fargate-proxy'],
    ['lambdas/x.ts', "import type { A } from '#local/a.ts';", 'lambdas may not import local'],
    ['cli/x.ts', "import '#lambdas/a.ts';", 'cli may not import lambdas'],
    ['cli/custody.mjs', "await import('../local/main.ts');", 'cli may not import local'],
    ['fargate-proxy/x.ts', "import '#cli/a.ts';", 'fargate-proxy may not import cli'],
    ['fargate-proxy/main.ts', "import '#local/a.ts';", 'fargate-proxy may not import local'],
    ['fargate-proxy/relay.ts', "import '#adapters/local/a.ts';", 'only fargate-proxy/gateway-process.ts'],
    [
      'fargate-proxy/on-laptop/relay.ts',
      "import '#adapters/aws/a.ts';",
      'only fargate-proxy/gateway-process.ts',
    ],
    ['fargate-proxy/on-aws.ts', "import '#adapters/local/a.ts';", 'only fargate-proxy/gateway-process.ts'],
    ['fargate-proxy/main.ts', "import '#adapters/oidc/a.ts';", 'only fargate-proxy/gateway-process.ts'],
    [
      'fargate-proxy/gateway-process.ts',
      "import '#adapters/aws/a.ts';",
      'only fargate-proxy/gateway-process.ts',
    ],
    [POSTGRES, "import '../ssh/a.ts';", 'one protocol never imports another'],
    [POSTGRES, "import '#core/protocols/ssh/a.ts';", 'one protocol never imports another'],
    ['core/protocols/ssh/x.ts', "import '../postgres/a.ts';", 'one protocol never imports another'],
    ['local/x.ts', "import '#test/a.ts';", 'local may not import test'],
    ['cli/x.ts', "import '../pack/places.ts';", 'cli may not import pack'],
    ['pack/x.ts', "import '#core/errors.ts';", 'pack may not import core'],
    ['cdk/x.ts', "import { a } from '../lambdas/sessions/env.ts';", 'cdk may not import lambdas'],
    ['cdk/x.ts', "import type { A } from '../lambdas/sessions/handler.ts';", 'cdk may not import lambdas'],
    ['cdk/x.ts', "import { a } from '#adapters/aws/env.ts';", 'cdk may not import adapters'],
    ['cdk/x.ts', "import { a } from '#adapters/aws/s3-store.ts';", 'cdk may not import adapters'],
    ['cdk/x.ts', "import { a } from '#adapters/aws/tables.ts.ts';", 'cdk may not import adapters'],
    ['cdk/x.ts', "import { a } from '#core/recording/layout.ts';", 'cdk may not import core'],
    ['cdk/x.ts', "import { a } from '#core/errors.ts.ts';", 'cdk may not import core'],
    ['console/x.ts', "import type { A } from '#core/a.ts';", 'console may not import core'],
    [X, "import '/etc/a.ts';", 'core may not import (an address)'],
    ['cli/x.ts', "await import('data:text/javascript,1');", 'cli may not import (an address)'],
    [X, "import '../../elsewhere/a.ts';", 'core may not import ..'],
    ['adapters/local/x.ts', "import '@aws-sdk/client-s3';", 'only adapters/aws'],
    ['local/x.ts', "import type { S3 } from '@aws-sdk/client-s3';", 'only adapters/aws'],
    ['lambdas/x.ts', 'const a = await import(name);', 'does not name its file'],
    ['core/x.ts', "import { setFlagsFromString } from 'node:v8';", 'core has no socket'],
    ['cli/x.ts', "import { createRequire } from 'node:module';", 'does not name its file'],
  ])('%s with %s', (path, text, why) => {
    expect(brokenArrows(path, text).join()).toContain(why);
  });

  it.each(
    ['net', 'fs', 'fs/promises', 'http', 'https', 'http2', 'tls', 'dgram', 'dns', 'child_process', 'sqlite']
      .concat(['worker_threads', 'cluster', 'process', 'os', 'perf_hooks', 'timers', 'timers/promises'])
      .map((name) => `node:${name}`)
      .concat('fs', 'net'),
  )('core with %s', (name) => {
    expect(brokenArrows(X, `import type { a } from '${name}';`).join()).toContain('core has no socket');
  });

  it.each([
    'process.env',
    "process['env']",
    'const { env } = process;',
    'globalThis.process',
    'Date.now()',
    "Date['now']()",
    'const { now } = Date;',
    'new Date()',
    'new Date',
    'Date()',
    'use(Date)',
    'const clocks = { Date };',
    'performance.now()',
    'Math.random()',
    "Math['random']()",
    'const { random } = Math;',
    'class A { at = new Date(); }',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a program
    '`${Date.now()}`',
    '(Date as Clock).now()',
  ])('core with %s', (text) => {
    expect(brokenArrows(X, text).join()).toMatch(/core (?:uses|reads)/);
    expect(brokenArrows('local/x.ts', text)).toEqual([]);
  });
});

describe('an arrow that holds', () => {
  it.each<[path: string, text: string]>([
    [X, "import { a } from './a.ts'; import { b } from '../core/b.ts'; import { z } from 'zod';"],
    [X, "import { createHash } from 'node:crypto'; import { zstdCompressSync } from 'node:zlib';"],
    [X, '// new Date() and process.env\nconst a = "Date.now()"; /performance.now/.test(a);'],
    [X, 'new Date(ms); Date.parse(a); Date.UTC(2026); a instanceof Date; Math.max(1, 2);'],
    [X, 'interface A { process: Date; performance(): void } let a: Date; a.process; ({ performance: 1 });'],
    [X, "const text = `import '#local/a.ts'`;"],
    ['adapters/local/x.ts', "import { a } from '#core/a.ts'; import { b } from './b.ts'; import 'node:fs';"],
    ['adapters/aws/x.ts', "import { S3 } from '@aws-sdk/client-s3';"],
    [
      'fargate-proxy/gateway-process.ts',
      "import '#adapters/oidc/a.ts'; import './protocols/postgres/postgres.ts';",
    ],
    ['fargate-proxy/on-aws.ts', "import '#adapters/aws/a.ts';"],
    ['fargate-proxy/on-laptop/relay.ts', "import '#adapters/local/a.ts';"],
    [POSTGRES, "import '../../relay.ts'; import './tls.ts'; import '#core/protocols/postgres/wire.ts';"],
    ['lambdas/sessions/x.ts', "import '../problem.ts'; import '#core/a.ts'; import '#adapters/aws/a.ts';"],
    ['local/x.ts', "import '#lambdas/a.ts'; import '#proxy/a.ts'; import '#cli/a.ts'; import '#core/a.ts';"],
    ['cdk/x.ts', "import type { Env } from '../lambdas/sessions/env.ts'; import 'aws-cdk-lib';"],
    ['cdk/x.ts', "import type { AwsEnvironment } from '#adapters/aws/env.ts';"],
    ['cdk/x.ts', "import { tables } from '#adapters/aws/tables.ts'; import { a } from '#core/access/a.ts';"],
    ['cdk/x.ts', "import { CustodyError } from '#core/errors.ts';"],
    ['test/x.ts', "import '#local/a.ts'; import '@aws-sdk/client-s3'; await import(name); Date.now();"],
  ])('%s with %s', (path, text) => {
    expect(brokenArrows(path, text)).toEqual([]);
  });
});
