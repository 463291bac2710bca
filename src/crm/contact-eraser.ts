import { Injectable } from '@nestjs/common';
import { BackgroundJobService } from '../background-jobs/background-job.service.js';
import { Config } from '../config/env.js';
import { newId } from '../core/ids.js';
import { open, seal } from '../core/secret.js';
import type { Transaction } from '../database/prisma.service.js';
import { type Contact, ContactStore } from './contact.store.js';
import type { Write } from './crm-writer.js';
import { type ContactErasure, ErasureStore } from './erasure.store.js';
import { ErasureRequests } from './erasure-requests.js';
import { keysOf, type PersonKeys, partiesOf } from './person-keys.js';
import { RedactionStore } from './redaction.store.js';

export const ERASE_JOB = 'contacts.erase';

/** Parameters of the job are shown with it: they name nobody. */
export interface EraseParameters {
  erasureId: string;
  contactId: string;
}

/**
 * The first half of an erasure, in one transaction: the contact and what belongs to it go, the deletion is told with ids alone, and
 * the job that goes through stored payloads (payload-redactor) and the requests to providers are there.
 */
@Injectable()
export class ContactEraser {
  constructor(
    private readonly contacts: ContactStore,
    private readonly erasures: ErasureStore,
    private readonly redactions: RedactionStore,
    private readonly requests: ErasureRequests,
    private readonly jobs: BackgroundJobService,
    private readonly config: Config,
  ) {}

  /** False when there is no such contact. */
  async erase(write: Write, tenantId: string, contactId: string, askedBy: string): Promise<boolean> {
    const { tx, now } = write;
    const contact = await this.contacts.lock(tx, tenantId, contactId);
    if (!contact) return false;
    const person = keysOf(contact);
    const id = newId();
    const jobId = await this.createJob(tx, tenantId, { erasureId: id, contactId }, askedBy);
    const sealed = seal(JSON.stringify(person), this.config.security.masterKey as Buffer, boundTo(id));
    const actorId = write.origin.actorId ?? null;
    await this.erasures.create(tx, { id, tenantId, contactId, actorId, jobId, person: sealed, requestedAt: now });
    await this.requests.record(tx, tenantId, id, person, now);
    await this.erasures.removeBelongings(tx, tenantId, contactId, partiesOf(person));
    await this.erasures.clearInvoices(tx, tenantId, contactId, contact.email);
    await this.contacts.delete(tx, tenantId, contactId);
    write.tell({ kind: 'contact-deleted', contact: { ...namingNobody(contact), tags: [] }, deletedAt: now });
    return true;
  }

  /** For an erasure whose job failed or was cancelled: another one, which begins again. */
  async resume(tx: Transaction, { tenantId, id, contactId }: ContactErasure, askedBy: string): Promise<void> {
    const jobId = await this.createJob(tx, tenantId, { erasureId: id, contactId }, askedBy);
    await this.erasures.setJob(tx, tenantId, id, jobId);
  }

  /** Whom an erasure is about; null when it is complete. */
  async personOf(tenantId: string, erasureId: string): Promise<{ erasure: ContactErasure; person: PersonKeys } | null> {
    const erasure = await this.erasures.find(tenantId, erasureId);
    if (!erasure?.person) return null;
    const text = open(erasure.person, this.config.security.masterKey as Buffer, boundTo(erasureId));
    return { erasure, person: JSON.parse(text) as PersonKeys };
  }

  private async createJob(tx: Transaction, tenantId: string, parameters: EraseParameters, createdBy: string) {
    const total = await this.redactions.countStored(tenantId);
    return (await this.jobs.create(tenantId, { kind: ERASE_JOB, parameters, total, createdBy }, tx)).id;
  }
}

const boundTo = (id: string) => `contact_erasures:${id}`;

/** What receivers may know a contact by, and nothing else: whoever is told of a deletion is to find it, not to learn of it. */
const TOLD = new Set<string>(['id', 'tenantId', 'externalId', 'manychatId', 'createdAt', 'updatedAt']);
const EMPTY = { number: 0, boolean: false } as Record<string, unknown>;

function namingNobody(contact: Contact): Contact {
  const told = Object.entries(contact).map(([name, value]) => [
    name,
    TOLD.has(name) ? value : (EMPTY[typeof value] ?? null),
  ]);
  return { ...(Object.fromEntries(told) as Contact), attributes: {}, customFields: {} };
}
