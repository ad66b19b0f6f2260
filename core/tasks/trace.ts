/** W3C Trace Context, https://www.w3.org/TR/trace-context/#traceparent-header */

const FORM = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A traceparent as it is kept: 55 characters. Undefined for another text, which names no trace: who reads one has to ignore it. */
export function traceparentOf(text: string | undefined): string | undefined {
  return text !== undefined && FORM.test(text) ? text : undefined;
}
