import type { Scope } from '../core/scopes.js';
import type { ExportColumn } from './export-column.js';

export const RESOURCES = ['contacts', 'events', 'deliveries', 'attempts', 'inbound-events'] as const;
export type ExportedResource = (typeof RESOURCES)[number];

/** Conditions over the rows of a source, as SQL; their values are added to the statement's. */
export type Conditions = (values: unknown[]) => string;

/** Where the rows of one kind of export come from, and what they consist of. */
export interface RowSource {
  readonly resource: ExportedResource;
  /** Who may read such rows one by one may export them. */
  readonly scope: Scope;
  /** Rows held in memory at once: few where a row can be large. */
  readonly rowsAtOnce: number;
  /** `contacts c` */
  readonly from: string;
  /** Unique within a tenant and the order of an index, uuids all: the order of the rows, and where a file goes on. */
  readonly key: readonly string[];
  columns(tenantId: string): Promise<ExportColumn[]>;
  /**
   * @param filters as they were asked for
   * @param pointerOf how the asker names one of them
   * @throws AppError `invalid_request` with each part that is wrong
   */
  conditions(tenantId: string, filters: object, pointerOf: (name: string) => string): Promise<Conditions>;
}
