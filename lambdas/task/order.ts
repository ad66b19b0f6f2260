/** What a state machine asks of the function: to start a run, or to run one of its tasks. */
import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';

const value = z.union([z.string(), z.null(), z.number().transform(String), z.boolean().transform(String)]);
const row = z.record(
  z.string(),
  z.union([value, z.array(z.union([z.string(), z.number().transform(String)]))]),
);

const orderSchema = z.union([
  z.strictObject({
    start: z.string(),
    /** The same key makes one run: `$states.context.Execution.Id`. */
    key: z.string().min(1).max(200),
    inputs: z.record(z.string(), z.string()).default({}),
  }),
  z.strictObject({
    run: z.uuid().lowercase(),
    task: z.string(),
    /** As `custody run exec` takes them: by `$1` or `command.$1`. */
    values: z.record(z.string(), z.union([z.string(), z.number().transform(String)])).default({}),
    /** By commands: once for each row. */
    rows: z.record(z.string(), z.array(row)).default({}),
    /** Once for each row that an earlier task put out. */
    each: z.boolean().default(false),
  }),
]);
export type Order = z.infer<typeof orderSchema>;
export type TaskOrder = Exclude<Order, { start: string }>;

/** Throws `format-invalid`. */
export function readOrder(event: unknown): Order {
  const read = orderSchema.safeParse(event);
  if (read.success) return read.data;
  throw new CustodyError('format-invalid', 'this is no order of this function', {
    hint: 'give { start, key, inputs } or { run, task, values, rows, each }: docs/orchestrators/step-functions.md',
  });
}
