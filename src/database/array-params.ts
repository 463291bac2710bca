/**
 * Columns of values as statement parameters, in Postgres's binary format for arrays. As text each element would be quoted,
 * escaped, parsed and unescaped: for a column of JSON that cost more than the rest of the statement's way.
 */
const OID = { int8: 20, int2: 21, int4: 23, text: 25, timestamptz: 1184, uuid: 2950 };
const HEADER_BYTES = 20;
/** Postgres counts time from 2000-01-01. */
const POSTGRES_EPOCH_MS = 946_684_800_000;

export function uuids(values: readonly string[]): Buffer {
  return fixedWidth(OID.uuid, 16, values, (buffer, value, at) => {
    buffer.write(value.replaceAll('-', ''), at, 'hex');
  });
}

export function smallints(values: readonly (number | null)[]): Buffer {
  return fixedWidth(OID.int2, 2, values, (buffer, value, at) => {
    buffer.writeInt16BE(value, at);
  });
}

export function integers(values: readonly number[]): Buffer {
  return fixedWidth(OID.int4, 4, values, (buffer, value, at) => {
    buffer.writeInt32BE(value, at);
  });
}

export function bigints(values: readonly number[]): Buffer {
  return fixedWidth(OID.int8, 8, values, (buffer, value, at) => {
    buffer.writeBigInt64BE(BigInt(value), at);
  });
}

export function timestamps(values: readonly (Date | null)[]): Buffer {
  return fixedWidth(OID.timestamptz, 8, values, (buffer, value, at) => {
    buffer.writeBigInt64BE(BigInt(value.getTime() - POSTGRES_EPOCH_MS) * 1000n, at);
  });
}

export function texts(values: readonly (string | null)[]): Buffer {
  const lengths = values.map((value) => (value === null ? 0 : Buffer.byteLength(value)));
  const buffer = withHeader(
    OID.text,
    values,
    lengths.reduce((sum, length) => sum + 4 + length, 0),
  );
  let at = HEADER_BYTES;
  for (const [i, value] of values.entries()) {
    at = buffer.writeInt32BE(value === null ? -1 : (lengths[i] as number), at);
    if (value !== null) at += buffer.write(value, at);
  }
  return buffer;
}

function fixedWidth<T>(
  oid: number,
  width: number,
  values: readonly (T | null)[],
  write: (buffer: Buffer, value: T, at: number) => void,
): Buffer {
  const nulls = values.reduce((count, value) => count + (value === null ? 1 : 0), 0);
  const buffer = withHeader(oid, values, values.length * (4 + width) - nulls * width);
  let at = HEADER_BYTES;
  for (const value of values) {
    at = buffer.writeInt32BE(value === null ? -1 : width, at);
    if (value === null) continue;
    write(buffer, value, at);
    at += width;
  }
  return buffer;
}

/** Dimensions, whether there are nulls, type of the elements, length, lower bound. */
function withHeader(oid: number, values: readonly unknown[], bytes: number): Buffer {
  const dimensions = values.length > 0 ? 1 : 0;
  const buffer = Buffer.allocUnsafe(dimensions * 8 + 12 + bytes);
  buffer.writeInt32BE(dimensions, 0);
  buffer.writeInt32BE(values.includes(null) ? 1 : 0, 4);
  buffer.writeInt32BE(oid, 8);
  if (dimensions === 1) {
    buffer.writeInt32BE(values.length, 12);
    buffer.writeInt32BE(1, 16);
  }
  return buffer;
}
