import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '#core/tasks/canonical-json.ts';
import { signEnvelope } from '#core/tasks/proof/dsse.ts';
import { openResult, readResult, resultBytes, signResult, subjectsOf } from '#core/tasks/proof/statement.ts';
import { memorySigner } from '#test/support/memory-ports.ts';
import { askPython, hasProofTools } from '#test/support/proof-tools.ts';
import { taskResult } from '#test/support/task-result.ts';

const signer = memorySigner();

// oxlint-disable-next-line typescript/no-explicit-any -- what is altered has no type any more
type Altered = Record<string, any>;

/** The statement of a result, with something in it changed. */
function statement(change: (statement: Altered) => void): Buffer {
  const json = JSON.parse(Buffer.from(resultBytes(taskResult())).toString());
  change(json);
  return Buffer.from(canonicalJson(json));
}

describe("a result's statement", () => {
  it('comes back as it was signed, with the digest that the ledger has', async () => {
    const { bytes, digest } = await signResult(taskResult(), signer);
    const payload = resultBytes(taskResult());
    expect(openResult(bytes, signer.der)).toEqual({ result: taskResult(), digest });
    expect(digest).toBe(createHash('sha256').update(payload).digest('hex'));
  });

  it('has the sealed evidence and each output as its subjects, and never calls a digest of rows a SHA-256', () => {
    expect(subjectsOf(taskResult())).toEqual([
      { name: `sessions/${taskResult().session}/close.json`, digest: { sha256: '4'.repeat(64) } },
      { name: 'refund.refunded', digest: { custodyRows: 'f'.repeat(64) } },
      { name: 'refund.receipt', digest: { sha256: '2'.repeat(64) } },
    ]);
  });

  it.each<[string, (statement: Altered) => void]>([
    ['another type', (one) => (one['_type'] = 'https://in-toto.io/Statement/v0.1')],
    ['another predicate', (one) => (one['predicateType'] = 'https://slsa.dev/provenance/v1')],
    ['a subject that the result has not', (one) => one['subject'].push(one['subject'][0])],
    ['another digest of a subject', (one) => (one['subject'][1].digest.custodyRows = '0'.repeat(64))],
    ['a member that nobody knows', (one) => (one['predicate'].comment = 'fine')],
    ['a verdict that there is not', (one) => (one['predicate'].verdict = 'good')],
    ['no operator', (one) => delete one['predicate'].operator],
    ['a place before the beginning', (one) => (one['predicate'].commands[0].at = -1)],
  ])('is refused with %s', (_, change) => {
    expect(() => readResult(statement(change))).toThrow(expect.objectContaining({ code: 'format-invalid' }));
  });

  it('is refused in another spelling', () => {
    const spaced = Buffer.from(
      JSON.stringify(JSON.parse(Buffer.from(resultBytes(taskResult())).toString()), null, 1),
    );
    expect(() => readResult(spaced)).toThrow('is not written as that of its result is');
  });

  it('is refused where another key signed it', async () => {
    const { bytes } = await signResult(taskResult(), memorySigner());
    expect(() => openResult(bytes, signer.der)).toThrow('is not signed by');
  });

  it('is refused under another payload type', async () => {
    const bytes = await signEnvelope('application/json', resultBytes(taskResult()), signer);
    expect(() => openResult(bytes, signer.der)).toThrow('is not of type');
  });

  it.runIf(hasProofTools())('is one that in-toto reads, and securesystemslib verifies', async () => {
    const { bytes } = await signResult(taskResult(), signer);
    const envelope = JSON.parse(Buffer.from(bytes).toString());
    expect(askPython(VERIFY, { envelope, pem: signer.pem })).toBe('3 refund');
    envelope.payload = Buffer.from(resultBytes(taskResult({ task: 'find' }))).toString('base64');
    expect(() => askPython(VERIFY, { envelope, pem: signer.pem })).toThrow('VerificationError');
  });
});

const VERIFY = `
import json, sys
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
given = json.load(sys.stdin)
keyid = given["envelope"]["signatures"][0]["keyid"]
key = SSlibKey.from_crypto(load_pem_public_key(given["pem"].encode()), keyid=keyid)
envelope = Envelope.from_dict(given["envelope"])
envelope.verify([key], 1)
statement = Statement.copy_from_pb(json_format.Parse(envelope.payload, statement_pb2.Statement()))
statement.validate()
print(len(statement.pb.subject), statement.pb.predicate["task"])
`;
