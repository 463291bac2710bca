import { request } from 'node:http';

export interface RawAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A request exactly as given: repeated headers stay repeated, nothing is added but Host, Connection and Content-Length. */
export function sendRaw(
  url: string,
  given: { method?: string; headers?: [name: string, value: string][]; body?: Buffer | string },
): Promise<RawAnswer> {
  const target = new URL(url);
  const body = given.body === undefined ? undefined : Buffer.from(given.body as string);
  const headers = ['Host', target.host, 'Connection', 'close', ...(given.headers ?? []).flat()];
  if (body !== undefined) headers.push('Content-Length', String(body.length));
  return new Promise((resolve, reject) => {
    const sent = request(
      // The path as it was written: URL would escape some of it anew.
      {
        host: target.hostname,
        port: target.port,
        path: url.slice(target.origin.length),
        method: given.method ?? 'POST',
        headers,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
