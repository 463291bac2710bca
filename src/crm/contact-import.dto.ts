import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsObject, IsOptional } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';
import { DELIMITERS } from './import-reader.js';
import { ENCODINGS, type Encoding } from './import-text.js';
import { FORMATS, type ImportFormat } from './import-upload.js';

const MATCH_BY = ['email', 'phone', 'externalId'] as const;
const ON_MATCH = ['update', 'skip'] as const;
const NAMED_DELIMITERS = [...DELIMITERS, 'tab'];

const asFlag = () => Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value));

/** How a file is taken. In a form these are fields before the file. */
export class ImportOptions {
  /** `true`: nothing is written, and the summary says what would be. */
  @MayBeAbsent()
  @asFlag()
  @IsBoolean({ message: 'dryRun must be true or false' })
  dryRun: boolean = false;

  /** `true`: no events of the contacts made and changed. */
  @MayBeAbsent()
  @asFlag()
  @IsBoolean({ message: 'silent must be true or false' })
  silent: boolean = false;

  /** The field by which a contact that is there already is found. */
  @MayBeAbsent()
  @IsIn(MATCH_BY)
  matchBy: (typeof MATCH_BY)[number] = 'email';

  /** What to do with one that is there. */
  @MayBeAbsent()
  @IsIn(ON_MATCH)
  onMatch: (typeof ON_MATCH)[number] = 'update';

  /** Default: what content type or file name say. */
  @MayBeAbsent()
  @IsIn(FORMATS)
  format?: ImportFormat;

  /** Of CSV: `,`, `;`, `|` or `tab`. Default: what the first line has most of. */
  @MayBeAbsent()
  @IsIn(NAMED_DELIMITERS)
  delimiter?: string;

  /** A byte order mark in the file counts more. */
  @MayBeAbsent()
  @IsIn(ENCODINGS)
  encoding: Encoding = 'utf-8';

  /** JSON `{"column": "field"}`, null to leave a column out. Columns that are not in it go by their names. */
  @IsOptional()
  @Transform(({ value }) => parsedOrAsIs(value))
  @IsObject({ message: 'mapping must be a JSON object of column names and fields' })
  mapping: Record<string, string | null> = {};
}

function parsedOrAsIs(value: unknown): unknown {
  try {
    return typeof value === 'string' ? JSON.parse(value) : value;
  } catch {
    return value;
  }
}

export class ContactImportView {
  id: string;
  status: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  jobId: string;
  format: ImportFormat;
  dryRun: boolean;
  silent: boolean;
  matchBy: (typeof MATCH_BY)[number];
  onMatch: (typeof ON_MATCH)[number];
  /** The field each column of a CSV file was taken for. */
  columns: Record<string, string>;
  /** Columns that were taken for nothing. */
  ignoredColumns: string[];
  bytes: number;
  /** Of the file, and how many of them have been dealt with. */
  rows: number;
  done: number;
  created: number;
  updated: number;
  /** They said nothing new. */
  unchanged: number;
  /** They were there already, with `onMatch=skip`. */
  skipped: number;
  /** See `/errors`. */
  failed: number;
  createdAt: Date;
  finishedAt: Date | null;
}

export class ContactImportErrorQuery extends PageQuery {
  /** `csv`: all of them as one file. */
  @MayBeAbsent()
  @IsIn(['json', 'csv'])
  format: 'json' | 'csv' = 'json';
}

export class ContactImportErrorView {
  /** The line of the file on which the row begins; in a JSON array its place. */
  line: number;
  /** Empty: the row as a whole. */
  field: string;
  message: string;
}
