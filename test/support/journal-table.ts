import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/** An item of the journal's table. */
export interface TableItem {
  readonly stream: string;
  readonly place: string;
  readonly low: number;
  readonly parts?: number;
  readonly over?: number;
  /** Made when it is read: a journal that is longer than the memory need never be whole. */
  readonly bytes?: () => Uint8Array;
}

/** DynamoDB's answers hold no more. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html */
const PAGE_BYTES = 1 << 20;

/**
 * The journal's table behind the SDK's own client: what is sent and answered is encoded and decoded as with DynamoDB, and
 * nothing goes over a wire. Knows what is asked of a journal, and refuses all else.
 */
export class JournalTableInMemory {
  readonly dynamo: DynamoDBDocumentClient;
  readonly table = 'journal';
  readonly #streams = new Map<string, Map<string, TableItem>>();
  /** Operations that were asked for, in order. */
  readonly asked: string[] = [];

  readonly #pageBytes: number;

  constructor(pageBytes = PAGE_BYTES) {
    this.#pageBytes = pageBytes;
    const client = new DynamoDBClient({
      region: 'eu-central-1',
      endpoint: 'http://journal.invalid',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      requestHandler: { handle: async (request: HandledRequest) => ({ response: this.#answer(request) }) },
    });
    this.dynamo = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  }

  add(item: TableItem): void {
    const items = this.#streams.get(item.stream) ?? new Map<string, TableItem>();
    this.#streams.set(item.stream, items.set(item.place, item));
  }

  remove(stream: string, place: string): void {
    this.#streams.get(stream)?.delete(place);
  }

  get items(): TableItem[] {
    return [...this.#streams.values()].flatMap((items) => [...items.values()]);
  }

  #answer({ headers, body }: HandledRequest): HandledResponse {
    const operation = headers['x-amz-target']!.split('.')[1]!;
    this.asked.push(operation);
    const input = JSON.parse(new TextDecoder().decode(body as Uint8Array)) as Input;
    const answer = this.#operations[operation]!(input);
    return {
      statusCode: 200,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: Buffer.from(JSON.stringify(answer)),
    };
  }

  readonly #operations: Readonly<Record<string, (input: Input) => object>> = {
    Query: (input) => this.#query(input),
    GetItem: ({ Key }) => {
      const item = this.#streams.get(Key!['stream']!.S!)?.get(Key!['place']!.S!);
      return item === undefined ? {} : { Item: itemJson(item, item.bytes?.()) };
    },
    PutItem: ({ Item }) => {
      const { stream, place, low, over, parts, bytes } = Item!;
      const content = bytes === undefined ? undefined : Buffer.from(bytes.B!, 'base64');
      this.add({
        stream: stream!.S!,
        place: place!.S!,
        low: Number(low!.N),
        ...(over === undefined ? {} : { over: Number(over.N) }),
        ...(parts === undefined ? {} : { parts: Number(parts.N) }),
        ...(content === undefined ? {} : { bytes: () => content }),
      });
      return {};
    },
    BatchWriteItem: ({ RequestItems }) => {
      for (const { DeleteRequest } of RequestItems![this.table]!)
        this.remove(DeleteRequest.Key['stream']!.S!, DeleteRequest.Key['place']!.S!);
      return { UnprocessedItems: {} };
    },
  };

  #query({ ExpressionAttributeValues: values, ...input }: Input): object {
    const { ScanIndexForward = true, Limit = Number.POSITIVE_INFINITY, ExclusiveStartKey } = input;
    const [from, until] = [values![':from']?.S ?? '', values![':until']?.S ?? '\uffff'];
    const after = ExclusiveStartKey?.['place']?.S;
    const items = this.#streams.get(values![':stream']!.S!) ?? new Map<string, TableItem>();
    const all = [...items.values()]
      .filter(({ place }) => place >= from && place <= until)
      .toSorted((a, b) => (a.place < b.place === ScanIndexForward ? -1 : 1))
      .filter(({ place }) => after === undefined || (place > after === ScanIndexForward && place !== after));
    const page: object[] = [];
    let bytes = 0;
    for (const item of all) {
      const content = item.bytes?.();
      page.push(itemJson(item, content));
      bytes += content?.byteLength ?? 100;
      if (bytes < this.#pageBytes && page.length < Limit) continue;
      const more = item !== all.at(-1);
      return { Items: page, ...(more ? { LastEvaluatedKey: keyJson(item) } : {}) };
    }
    return { Items: page };
  }
}

interface HandledRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}
interface HandledResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}
interface Value {
  readonly S?: string;
  readonly N?: string;
  readonly B?: string;
}
type Values = Readonly<Record<string, Value>>;
interface Input {
  readonly Key?: Values;
  readonly Item?: Values;
  readonly ExpressionAttributeValues?: Values;
  readonly ScanIndexForward?: boolean;
  readonly Limit?: number;
  readonly ExclusiveStartKey?: Values;
  readonly RequestItems?: Readonly<
    Record<string, readonly { readonly DeleteRequest: { readonly Key: Values } }[]>
  >;
}

function keyJson({ stream, place }: TableItem) {
  return { stream: { S: stream }, place: { S: place } };
}

function itemJson(item: TableItem, content: Uint8Array | undefined): object {
  const { low, parts, over } = item;
  return {
    ...keyJson(item),
    low: { N: String(low) },
    ...(parts === undefined ? {} : { parts: { N: String(parts) } }),
    ...(over === undefined ? {} : { over: { N: String(over) } }),
    ...(content === undefined ? {} : { bytes: { B: Buffer.from(content).toString('base64') } }),
  };
}
