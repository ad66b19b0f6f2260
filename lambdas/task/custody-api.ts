/** The API, as far as a task that an orchestrator runs needs it. */
import { z } from 'zod';
import { CustodyError, type ErrorCode } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import { commandParts } from '#core/protocols/command-parts.ts';
import { verdicts } from '#core/tasks/result/result.ts';
import { runStates } from '#core/tasks/run.ts';
import { valueSchema } from '#core/tasks/schema.ts';

const CALL_MS = 20_000;

const count = z.int().min(0);
const problemSchema = z.object({
  code: z.string(),
  title: z.string().optional(),
  detail: z.string().optional(),
  hint: z.string().optional(),
});

const commandSchema = z.object({
  name: z.string(),
  ...commandParts,
  values: z.record(z.string(), valueSchema),
  times: z.object({ min: count, max: count }),
  answers: z.object({ error: z.string() }),
});

const runSchema = z.object({
  id: z.uuid(),
  state: z.enum(runStates),
  inputs: z.record(z.string(), z.string().nullable()).optional(),
  tasks: z.array(
    z.object({
      name: z.string(),
      target: z.string(),
      does: z.array(commandSchema),
      executions: z.array(z.object({ session: z.uuid(), verdict: z.enum(verdicts).optional() })),
      stopped: z.array(z.object({ session: z.uuid(), kind: z.string() })),
      handed: z
        .record(
          z.string(),
          z.object({ columns: z.array(z.string()), rows: z.array(z.array(z.string().nullable())) }),
        )
        .optional(),
    }),
  ),
});
export type ShownRun = z.infer<typeof runSchema>;
export type ShownTask = ShownRun['tasks'][number];

const targetsSchema = z.object({
  targets: z.array(
    z.object({
      name: z.string(),
      protocol: z.string(),
      host: z.string(),
      port: z.int().min(1).max(65_535),
      database: z.string().optional(),
      caPem: z.string().nullish(),
      connectSeconds: z.int().min(1).default(20),
    }),
  ),
});
export type ShownTarget = z.infer<typeof targetsSchema>['targets'][number];

/** What it refuses is thrown with its code and its words. */
export class CustodyApi {
  readonly #base: string;
  readonly #token: () => Promise<string>;

  /** Throws `config-invalid` for an address to which a token would go in the clear. */
  constructor(base: string, token: () => Promise<string>) {
    if (!/^(?:https:\/\/|http:\/\/127\.0\.0\.1:)/.test(base))
      throw new CustodyError('config-invalid', 'the API address is not one that begins with https://', {
        hint: 'set CUSTODY_API_URL',
      });
    this.#base = base.replace(/\/$/, '');
    this.#token = token;
  }

  start(body: object, key: string): Promise<ShownRun> {
    return this.#call('POST', '/v1/runs', runSchema, { body, headers: { 'idempotency-key': key } });
  }

  run(id: string): Promise<ShownRun> {
    return this.#call('GET', `/v1/runs/${encodeURIComponent(id)}`, runSchema);
  }

  /** Throws `target-unknown` where there is none of this name. */
  async target(name: string): Promise<ShownTarget> {
    const { targets } = await this.#call('GET', '/v1/targets', targetsSchema);
    const found = targets.find((one) => one.name === name);
    if (found !== undefined) return found;
    throw new CustodyError('target-unknown', `there is no target ${name} that this role may connect to`);
  }

  async #call<T>(
    method: string,
    path: string,
    schema: z.ZodType<T>,
    { body, headers = {} }: { readonly body?: object; readonly headers?: Record<string, string> } = {},
  ): Promise<T> {
    const authorization = `Bearer ${await this.#token()}`;
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: { ...headers, authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(CALL_MS),
    });
    const text = await response.text();
    if (response.ok) return schema.parse(parseJson(text));
    throw refusal(text, response.status);
  }
}

function refusal(text: string, status: number): CustodyError {
  let said: unknown;
  try {
    said = parseJson(text);
  } catch {
    said = {};
  }
  const { code, title, detail, hint } = problemSchema.catch({ code: 'internal' }).parse(said);
  const message = detail ?? title ?? `the API answered with status ${status}`;
  return new CustodyError(code as ErrorCode, message, hint === undefined ? {} : { hint });
}
