import { pipeline, type Readable } from 'node:stream';
import { Busboy, type BusboyHeaders } from '@fastify/busboy';
import { AppError, invalidField } from '../core/errors.js';

export const FORMATS = ['csv', 'ndjson', 'json'] as const;
export type ImportFormat = (typeof FORMATS)[number];

/** A file on its way in. */
export interface Upload {
  /** What its content type or its name says; null: neither does. */
  format: ImportFormat | null;
  /** The form's fields before the file. */
  fields: Record<string, string>;
  chunks: AsyncIterable<Buffer>;
}

const LIMITS = { files: 1, fields: 20, fieldSize: 64 * 1024 };

/** The file of a request: its body, or the first file of its form. @throws AppError unsupported_media_type, invalid_request */
export async function uploadOf(contentType: string | undefined, body: Readable): Promise<Upload> {
  const [mime = ''] = (contentType ?? '').toLowerCase().split(';');
  if (mime.trim() === 'multipart/form-data') return formUpload(contentType as string, body);
  const format = formatOf(mime.trim(), '');
  if (format || contentType === undefined) return { format, fields: {}, chunks: body };
  throw new AppError('unsupported_media_type', {
    detail: `"${mime.slice(0, 80)}" cannot be imported: send text/csv, application/x-ndjson, application/json or a form with a file.`,
  });
}

function formUpload(contentType: string, body: Readable): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const fields: Record<string, string> = {};
    let file: Readable | null = null;
    const form = formParser(contentType);
    form.on('field', (name, value) => {
      fields[name] = value;
    });
    form.on('file', (_name, stream, fileName, _encoding, mime) => {
      file = stream;
      resolve({ format: formatOf(mime, fileName), fields, chunks: stream });
    });
    pipeline(body, form, (error) => {
      if (error) file?.destroy(error);
      reject(
        error
          ? invalidField('', `The form cannot be read: ${error.message}.`)
          : invalidField('', 'The form has no file.'),
      );
    });
  });
}

function formParser(contentType: string): InstanceType<typeof Busboy> {
  try {
    return new Busboy({ headers: { 'content-type': contentType } as BusboyHeaders, limits: LIMITS });
  } catch (error) {
    throw invalidField('', `The form cannot be read: ${(error as Error).message}.`);
  }
}

function formatOf(mime: string, fileName: string): ImportFormat | null {
  const extension = /\.(csv|tsv|txt|ndjson|jsonl|json)$/i.exec(fileName ?? '')?.[1]?.toLowerCase();
  if (/^(text\/(csv|tab-separated-values)|application\/(csv|vnd\.ms-excel))$/.test(mime)) return 'csv';
  if (/^application\/(x-ndjson|ndjson|jsonl|x-jsonlines)$/.test(mime)) return 'ndjson';
  if (extension === 'ndjson' || extension === 'jsonl') return 'ndjson';
  if (mime === 'application/json' || extension === 'json') return 'json';
  return extension || mime === 'text/plain' ? 'csv' : null;
}
