import { AppError, invalidField } from '../core/errors.js';

export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const;
export type Encoding = (typeof ENCODINGS)[number];

const LONGEST_MARK = 3;
const BYTE_ORDER_MARKS: [Encoding, number[]][] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/**
 * The chunks, until there are more bytes than allowed.
 * @param onBytes told how many there were so far
 * @throws AppError body_too_large
 */
export async function* limited(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    onBytes(bytes);
    if (bytes > maxBytes) {
      throw new AppError('body_too_large', {
        detail: `The file has more than ${maxBytes} bytes. Send it in parts; the operator sets the limit with IMPORT_LIMIT_BYTES.`,
      });
    }
    yield chunk;
  }
}

/**
 * Bytes as text. A byte order mark says which encoding it is, else `encoding` does.
 * @throws AppError invalid_request: bytes that are none of that encoding, or a NUL, which no text has
 */
export async function* decoded(chunks: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<string> {
  let begun: Buffer = Buffer.alloc(0);
  let decoder: NamedDecoder | null = null;
  for await (const chunk of chunks) {
    if (decoder) {
      yield decoder.decode(chunk, true);
      continue;
    }
    begun = Buffer.concat([begun, chunk]);
    if (begun.length < LONGEST_MARK) continue;
    decoder = decoderOf(begun, encoding);
    yield decoder.decode(begun, true);
  }
  yield decoder ? decoder.decode(Buffer.alloc(0), false) : decoderOf(begun, encoding).decode(begun, false);
}

interface NamedDecoder {
  decode(bytes: Buffer, more: boolean): string;
}

function decoderOf(begun: Buffer, encoding: Encoding): NamedDecoder {
  const marked = BYTE_ORDER_MARKS.find(([, mark]) => mark.every((byte, i) => begun[i] === byte));
  const name = marked?.[0] ?? encoding;
  const decoder = new TextDecoder(name, { fatal: true });
  return { decode: (bytes, more) => checked(decode(decoder, bytes, name, more)) };
}

function decode(decoder: InstanceType<typeof TextDecoder>, bytes: Buffer, name: string, stream: boolean): string {
  try {
    return decoder.decode(bytes, { stream });
  } catch {
    const others = ENCODINGS.filter((one) => one !== name).join(', ');
    throw invalidField('', `The file is not ${name}. Save it as UTF-8, or say what it is with encoding=… (${others}).`);
  }
}

function checked(text: string): string {
  if (text.includes('\u0000'))
    throw invalidField('', 'The file has NUL bytes in it: it is no text, or in another encoding.');
  return text;
}
