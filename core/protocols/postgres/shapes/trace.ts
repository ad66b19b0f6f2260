/** https://www.w3.org/TR/trace-context/#traceparent-header-field-values; of the versions that are known, as later ones may be longer. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** As sqlcommenter writes it: https://google.github.io/sqlcommenter/spec/; values are URL-encoded, of which no character of this one is. */
const COMMENTED = /(?:^|[\s,*])traceparent='([0-9a-f-]{55})'/;

/** What a comment says of the trace that its command is part of. */
export function traceOf(comment: string): string | undefined {
  const trace = COMMENTED.exec(comment)?.[1];
  return trace !== undefined && TRACEPARENT.test(trace) ? trace : undefined;
}
