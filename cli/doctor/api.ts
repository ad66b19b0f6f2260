import { z } from 'zod';
import { asCustodyError } from '#core/errors.ts';
import { text } from '../api-shapes.ts';
import { bad, type Finding, good, unknown, warning } from '../findings/finding.ts';
import { boundedJson, get } from '../http.ts';

export interface ReachedApi {
  /** Whether it answered as an API of ours does: what else is asked of it may be asked. */
  readonly isThere: boolean;
  readonly findings: readonly Finding[];
}

const documentSchema = z.object({ info: z.object({ title: text, version: text }) });
const ANSWER_MAX_BYTES = 8 << 20;
/** A token may be taken for expired, or for one of the future, when clocks are as far apart. */
const SKEW_BAD_MS = 30_000;
const SKEW_MS = 5_000;

/** Whether the API answers, of which version it is, and how far its clock is from this one's. */
export async function apiFindings(base: URL, own: string, now: () => number): Promise<ReachedApi> {
  const about = `API ${base.origin}`;
  const before = now();
  try {
    const response = await get(new URL(`${base.href.replace(/\/$/, '')}/v1/openapi.json`));
    const after = now();
    const document = documentSchema.safeParse(await boundedJson(response, ANSWER_MAX_BYTES));
    if (response.status !== 200 || !document.success) return nobody(about, response.status);
    const { version } = document.data.info;
    const clock = clockFindings(about, response.headers.get('date'), (before + after) / 2);
    return { isThere: true, findings: [...versionFindings(about, version, own), ...clock] };
  } catch (thrown) {
    const { message, hint } = asCustodyError(thrown);
    const why = 'nobody can log in, ask, approve or look at anything';
    return {
      isThere: false,
      findings: [bad(about, message, { why, ...(hint === undefined ? {} : { todo: hint }) })],
    };
  }
}

function nobody(about: string, status: number): ReachedApi {
  const what = `what answers there (status ${status}) is no Custody API`;
  const todo = "give the stack's output ApiUrl: custody doctor --api …";
  return { isThere: false, findings: [bad(about, what, { todo })] };
}

function versionFindings(about: string, version: string, own: string): Finding[] {
  if (version === own) return [good(about, `it answers, version ${version}`)];
  const todo = 'use the custody of the same version, or deploy this one';
  return [
    warning(about, `it is version ${version}, and this custody ${own}`, {
      why: 'they may not understand each other',
      todo,
    }),
  ];
}

/** The date of an answer is of whole seconds (RFC 9110 section 6.6.1). */
function clockFindings(about: string, date: string | null, here: number): Finding[] {
  const there = Date.parse(date ?? '');
  if (Number.isNaN(there)) return [unknown(about, 'it does not say what time it is')];
  const skew = Math.round(here - there);
  if (Math.abs(skew) < SKEW_MS) return [];
  const what = `this machine's clock is ${Math.abs(Math.round(skew / 1000))} s ${skew > 0 ? 'ahead of' : 'behind'} the API's`;
  const words = {
    why: 'tokens are taken for expired, or for ones of the future',
    todo: 'set the clock by NTP',
  };
  return [Math.abs(skew) < SKEW_BAD_MS ? warning(about, what, words) : bad(about, what, words)];
}
