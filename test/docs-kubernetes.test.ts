/** docs/kubernetes.md: what people copy from there is taken. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';

const page = readFileSync(new URL('../docs/kubernetes.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block]) => block!);

it('gives a custody.yaml that is taken', () => {
  expect(blocks).toHaveLength(2);
  const text = `version: 1\nidentity: { issuer: "https://id.example", audience: custody }\n${blocks.join('')}`;
  const { targets, rules, workflows } = parseConfig(text, 'custody.yaml');
  expect(targets.get('prod')).toMatchObject({ protocol: 'kubernetes', withhold: ['secrets'] });
  expect(rules.map(({ name }) => name)).toEqual(['developers', 'operators']);
  expect([...workflows.keys()]).toEqual(['open-shop']);
});

it('names commands and options that there are', () => {
  const cli = readFileSync(new URL('../cli/commands/kubeconfig.ts', import.meta.url), 'utf8');
  for (const option of ['--install', '--file', '--use', '--prune', '--namespace', '--prefix', '--exec-api'])
    expect([page.includes(option), cli.includes(option)]).toEqual([true, true]);
});
