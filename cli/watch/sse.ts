import { CustodyError } from '#core/errors.ts';

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  /** The resume point in force behind it. */
  readonly id: string | undefined;
}

/** A step of an answer has at most some hundred KiB. */
const EVENT_MAX_CHARACTERS = 16 << 20;

/** Server-sent events (WHATWG HTML, section 9.2.6), as far as our API uses them. Throws `format-invalid` for one that is too long. */
export async function* serverEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerEvent, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  let id: string | undefined;
  let fields: { event?: string; data?: string } = {};
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > EVENT_MAX_CHARACTERS) throw tooLong();
    const lines = rest.split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (line === '' && fields.data !== undefined)
        yield { event: fields.event ?? 'message', data: fields.data, id };
      if (line === '') fields = {};
      const [, name, value = ''] = /^([a-z]+):? ?(.*?)\r?$/s.exec(line) ?? [];
      if (name === 'id') id = value;
      if (name === 'event') fields.event = value;
      if (name === 'data') fields.data = fields.data === undefined ? value : `${fields.data}\n${value}`;
      if ((fields.data?.length ?? 0) > EVENT_MAX_CHARACTERS) throw tooLong();
    }
  }
}

function tooLong(): CustodyError {
  return new CustodyError('format-invalid', 'the API sent an event that is too long');
}
