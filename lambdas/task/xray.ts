/**
 * X-Ray's header, which Lambda sets for each call, as a W3C traceparent: both name the same 128 bits.
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 */
export function traceparentOfXray(header: string | undefined): string | undefined {
  const { time, unique, parent, sampled } = FORM.exec(header ?? '')?.groups ?? {};
  if (time === undefined) return undefined;
  return `00-${time}${unique}-${parent}-0${sampled === '1' ? 1 : 0}`;
}

const FORM =
  /^Root=1-(?<time>[0-9a-f]{8})-(?<unique>[0-9a-f]{24});Parent=(?<parent>[0-9a-f]{16})(?:;Sampled=(?<sampled>[01]))?(?:;|$)/;
