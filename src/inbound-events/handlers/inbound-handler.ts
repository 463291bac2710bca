import type { ChangeOrigin, DomainChange } from '../../crm/domain-change.js';
import type { Transaction } from '../../database/prisma.service.js';

/** An inbound event as a handler sees it. */
export interface HandledEvent {
  tenantId: string;
  id: string;
  source: string;
  sourceId: string | null;
  eventName: string;
  /** The body's JSON, or the fields of a form; null when it is neither. */
  fields: unknown;
  receivedAt: Date;
}

/** What a handler works with. Everything it writes and publishes is committed together with the event's new state. */
export interface Effects {
  tx: Transaction;
  now: Date;
  /** What its writes say of where they come from. */
  origin: ChangeOrigin;
  /** Publishes an event of the tenant; renderings nobody subscribes to are left out. */
  publish(type: string, data: Record<string, unknown>): void;
  /** Says what was changed of the tenant's data, which is then told in every vocabulary. */
  tell(change: DomainChange): void;
}

export type HandlerResult =
  /** `did` is shown with the event: ids of what was made, or what was found to be so already. */
  | { kind: 'processed'; did: Record<string, unknown> }
  /** There is nothing to do for this one, and why. */
  | { kind: 'ignored'; why: string };

/**
 * Does the work of some inbound events. It may be called again for an event it has handled (reprocessing): what is done already
 * must not be done twice. What throws is tried again; a PermanentFailure is not.
 */
export interface InboundHandler {
  /** `<source>:<event name>`: `api:lead.captured`, `twilio:message.received`. */
  readonly handles: readonly string[];
  handle(event: HandledEvent, effects: Effects): Promise<HandlerResult>;
}

/** The event can never be processed as it is; the message says what is wrong with it. */
export class PermanentFailure extends Error {
  override readonly name = 'PermanentFailure';
}
