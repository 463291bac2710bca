import { textOf } from '../inbound-events/handlers/fields.js';
import { PermanentFailure } from '../inbound-events/handlers/inbound-handler.js';

/** A time that must be there. @throws PermanentFailure that names the field */
export function timeAt(value: unknown, field: string): Date {
  const time = new Date(textOf(value) ?? Number.NaN);
  if (!Number.isNaN(time.getTime())) return time;
  const said = value === undefined ? 'is missing' : `is ${JSON.stringify(value)?.slice(0, 80)}`;
  throw new PermanentFailure(`The field "${field}" ${said}: it must be a time like "2026-01-23T10:00:00Z".`);
}
