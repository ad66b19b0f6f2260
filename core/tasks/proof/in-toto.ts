/** A workflow as an in-toto layout and a run as its links (in-toto specification 0.9), in DSSE envelopes that in-toto-verify takes. */
import { createHash } from 'node:crypto';
import type { Signer } from '../../recording/ports.ts';
import { pemOf } from '../../recording/stored-evidence.ts';
import { canonicalJson } from '../canonical-json.ts';
import type { DeclaredTask } from '../schema.ts';
import type { Workflow } from '../workflows.ts';
import { signEnvelope } from './dsse.ts';
import { keptResults, type ProvedResult, type ProvedRun } from './proved-run.ts';
import { type DigestSet, digestSetOf, PAYLOAD_TYPE } from './statement.ts';

export const LAYOUT_FILE = 'root.layout';
/** A layout says until when it may be believed; what a run was does not get old. */
const EXPIRES = '9999-12-31T23:59:59Z';

type Artifacts = Record<string, DigestSet>;
type Rule = readonly string[];

/** The files, by their names: the layout, and the link of each task that has run. Signed by the signer of the recordings. */
export async function inTotoFiles(
  proved: ProvedRun,
  signer: Signer,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const key = inTotoKey(await signer.publicKey());
  const sign = (json: object): Promise<Uint8Array> =>
    signEnvelope(PAYLOAD_TYPE, Buffer.from(canonicalJson(json)), signer, key.keyid);
  const files = new Map([[LAYOUT_FILE, await sign(layoutOf(proved.workflow, key))]]);
  for (const [task, results] of Map.groupBy(proved.results, ({ result }) => result.task))
    files.set(`${task}.${key.keyid.slice(0, 8)}.link`, await sign(linkOf(task, results, proved)));
  return files;
}

interface InTotoKey {
  readonly keyid: string;
  readonly keytype: 'ecdsa';
  readonly scheme: 'ecdsa-sha2-nistp256';
  readonly keyval: { readonly public: string };
}

/** As securesystemslib names it: by the SHA-256 of its own canonical JSON, which for these members is ours but for escapes. */
function inTotoKey(publicKey: Uint8Array): InTotoKey {
  const pem = pemOf(publicKey);
  const key = { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: pem } } as const;
  // OLPC's canonical JSON, which in-toto uses, escapes nothing but quotes and backslashes: a line feed stands as it is.
  const text = canonicalJson(key).replaceAll('\\n', '\n');
  return { keyid: createHash('sha256').update(text).digest('hex'), ...key };
}

/** The workflow: each task a step, in an order that `after` allows. */
export function layoutOf({ name, digest, declared }: Workflow, key: InTotoKey): object {
  const steps = inOrder(declared.tasks).map(([task, of]) => ({
    _type: 'step',
    name: task,
    threshold: 1,
    pubkeys: [key.keyid],
    expected_command: [],
    expected_materials: materialRules(task, of),
    expected_products: productRules(task, of),
  }));
  const readme = `Custody workflow ${name}, SHA-256 ${digest}`;
  return { _type: 'layout', readme, expires: EXPIRES, keys: { [key.keyid]: key }, steps, inspect: [] };
}

function inOrder(
  tasks: Readonly<Record<string, DeclaredTask>>,
): readonly (readonly [string, DeclaredTask])[] {
  const left = new Map(Object.entries(tasks));
  const ordered: (readonly [string, DeclaredTask])[] = [];
  while (left.size > 0) {
    const [next] = [...left].filter(([, { after }]) => after.every((one) => !left.has(one)));
    // Circles are refused where workflows are declared.
    if (next === undefined) break;
    ordered.push(next);
    left.delete(next[0]);
  }
  return ordered;
}

/** By whom, under which contract, after what, and from what: nothing else goes in. */
function materialRules(task: string, of: DeclaredTask): readonly Rule[] {
  const before = of.after.flatMap((one) => taken(`kept/${one}`, one));
  const from = originsOf(of).flatMap(([earlier, output]) => taken(`${earlier}/${output}`, earlier));
  return [
    ['REQUIRE', `operator/${task}`],
    ['ALLOW', `operator/${task}`],
    ['REQUIRE', `contract/${task}`],
    ['ALLOW', `contract/${task}`],
    ...before,
    ...from,
    ['ALLOW', 'input/*'],
    ['DISALLOW', '*'],
  ];
}

function taken(artifact: string, from: string): readonly Rule[] {
  return [
    ['REQUIRE', artifact],
    ['MATCH', `${artifact}*`, 'WITH', 'PRODUCTS', 'FROM', from],
  ];
}

function productRules(task: string, { contract }: DeclaredTask): readonly Rule[] {
  const outputs = Object.keys(contract.outputs).map((output): Rule => ['REQUIRE', `${task}/${output}`]);
  return [
    ['REQUIRE', `kept/${task}`],
    ...outputs,
    ['ALLOW', `kept/${task}*`],
    ['ALLOW', `${task}/*`],
    ['DISALLOW', '*'],
  ];
}

/** The outputs of earlier tasks that a contract takes from: each once, as task and output. */
function originsOf({ contract }: DeclaredTask): readonly (readonly [task: string, output: string])[] {
  const values = [
    ...contract.does.flatMap(({ values: of }) => Object.values(of)),
    ...Object.values(contract.sets),
  ];
  const named = [...values, ...Object.values(contract.inputs)].flatMap(({ from }) =>
    from === undefined ? [] : [from],
  );
  const outputs = new Set(named.map((from) => from.split('.').slice(0, 2).join('.')));
  return [...outputs].map((one) => one.split('.') as unknown as readonly [string, string]);
}

/** What the executions of a task took in and put out. One that left its contract puts out no `kept`, which the layout requires. */
function linkOf(task: string, results: readonly ProvedResult[], proved: ProvedRun): object {
  const { run, workflow } = proved;
  const declared = workflow.tasks.get(task)?.declared;
  const materials: Artifacts = { [`contract/${task}`]: { sha256: workflow.digest } };
  if (results.every((one) => one.operatorFits))
    materials[`operator/${task}`] = { sha256: sha256(canonicalJson(declared?.by ?? [])) };
  for (const before of declared?.after ?? []) Object.assign(materials, keptArtifacts(proved, before));
  for (const { result } of results) Object.assign(materials, takenIn(result, proved));
  const products: Artifacts = keptArtifacts(proved, task);
  for (const [n, { result }] of keptResults(proved, task).entries())
    for (const output of result.outputs) products[nth(`${task}/${output.name}`, n)] = digestSetOf(output);
  const byproducts = {
    run: run.id,
    sessions: results.map(({ result }) => result.session),
    operators: results.map(({ result }) => `${result.operator.issuer} ${result.operator.subject}`),
    verdicts: results.map(({ result }) => result.verdict),
  };
  return { _type: 'link', name: task, materials, products, byproducts, command: [], environment: {} };
}

/** That a task kept its contract: by the digests of its results. */
function keptArtifacts(proved: ProvedRun, task: string): Artifacts {
  const kept = keptResults(proved, task).map(
    ({ digest }, n) => [nth(`kept/${task}`, n), { sha256: digest }] as const,
  );
  return Object.fromEntries(kept);
}

function takenIn(result: ProvedResult['result'], proved: ProvedRun): Artifacts {
  const artifacts: Artifacts = {};
  const sources = [...result.lineage, ...result.inputs];
  for (const { from, session } of sources) {
    const [task = '', output = ''] = from?.split('.') ?? [];
    const kept = keptResults(proved, task);
    for (const [n, { result: earlier }] of kept.entries())
      for (const one of earlier.outputs)
        if (one.name === output && (session === undefined || session === earlier.session))
          artifacts[nth(`${task}/${output}`, n)] = digestSetOf(one);
  }
  for (const { name, from, sha256: hash } of result.inputs)
    if (from?.startsWith('input:')) artifacts[`input/${name}`] = { sha256: hash };
  return artifacts;
}

/** The first has the bare name, which the layout requires. */
function nth(name: string, n: number): string {
  return n === 0 ? name : `${name}/${n + 1}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
